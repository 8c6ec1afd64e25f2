"""Values: frozen, slotted, keyword-only; standard library only."""
