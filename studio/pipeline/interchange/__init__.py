"""The field's own file layouts: what each folder holds, written and read."""
