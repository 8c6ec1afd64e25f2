"""Values: frozen, slotted, keyword-only; standard library only. Import the module that is needed."""
