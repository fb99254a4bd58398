"""Templates that were compiled before: jinja takes several milliseconds for each."""

from __future__ import annotations

import hashlib
import sys

import jinja2
from jinja2.bccache import Bucket

from .files import read, write_somewhere
from .folder import cache_directory

_DIGEST = hashlib.sha256().digest_size


class KeptTemplates(jinja2.BytecodeCache):
    """Keeps what jinja makes of templates, by all that it makes it of.

    Parameters
    ----------
    version : str
        Of the package that the templates belong to, whose filters they may use.
    """

    def __init__(self, version: str) -> None:
        self._version = version

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take a template from the disk, if it is there and whole."""
        content = read(cache_directory() / self._name(bucket))
        if content is None:
            return
        seal, code = content[:_DIGEST], content[_DIGEST:]
        if hashlib.sha256(code).digest() == seal:  # what is damaged could end the process
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template that was compiled just now."""
        code = bucket.bytecode_to_string()
        write_somewhere(
            cache_directory() / self._name(bucket), hashlib.sha256(code).digest() + code
        )

    def _name(self, bucket: Bucket) -> str:
        environment = bucket.environment
        made_of = (
            self._version, jinja2.__version__, sys.version, bucket.key, bucket.checksum,
            environment.trim_blocks, environment.lstrip_blocks, environment.keep_trailing_newline,
            sorted(environment.filters), sorted(environment.globals), sorted(environment.tests),
        )  # fmt: skip
        return f"template-{hashlib.sha256(repr(made_of).encode()).hexdigest()[:32]}.jinja"
