"""What `daybook up` does: start servers and roles, build the demo data, and report what is ready."""
