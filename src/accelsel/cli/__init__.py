"""The command line: parse, call the steps in order, present, exit."""
