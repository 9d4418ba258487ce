"""The claim link and its page: from the link in the e-mail to the codes."""
