"""How fast is it? Every figure is measured beside a control, in the same run, on the same machine."""
