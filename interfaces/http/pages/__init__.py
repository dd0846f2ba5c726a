"""The pages behind the links of mails: HTML without script, each action behind a button."""
