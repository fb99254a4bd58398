"""The text of a user's C++ function, and what is to be known of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class UserCode:
    """A user's C++ function.

    Attributes
    ----------
    c_name : str
        What the function is called in its text.
    text : str
        C++, with whatever else the user wrote beside the function.
    dependencies : tuple of str
        The `c_name` of the users' functions that it calls, and of those that these call.
    arities : tuple of int
        With how many arguments equations call it; nothing if only other functions do.
    pointers : tuple of str
        Arrays of its namespace, which the text reaches by pointers of these names.
    """

    c_name: str
    text: str
    dependencies: tuple[str, ...] = ()
    arities: tuple[int, ...] = ()
    pointers: tuple[str, ...] = ()


def entry(c_name: str) -> str:
    """The name by which a program calls a user's function; no function has it in a user's text."""
    return f"b2g_call_{c_name}"
