"""Rebuilding read models from the log, in generations, beside the live one."""
