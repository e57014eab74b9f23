"""How work that takes long ends early, on whichever thread it runs."""


class Interrupted(Exception):
    """Work was given up: something more urgent came, or nobody waits for it any more."""
