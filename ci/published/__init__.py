"""Published figures: how the tables of the documents are measured, written and checked. `ci/tables` is the command."""
