"""The errors a user can cause: each is one plain line that says what happened and what to do."""


class UserError(Exception):
    """Something the user did or has cannot work; shown as `message` (and `hint`), never as a traceback.

    message: one line, says what happened.
    hint: one line, says what to do about it; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(UserError):
    """The call itself was wrong (unknown chunk, two modes for one code ...): the command line exits 2."""
