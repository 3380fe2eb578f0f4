"""The two closed vocabularies of the protocol: `commands` go to a session, `notifications` come from it."""
