"""Every error and warning that the package raises is on the page "When something goes wrong"."""

from __future__ import annotations

from pathlib import Path

from tests.docs.messages import GAP, REASONS, Message, messages, normal

PAGE = Path(__file__).parents[2] / "docs/troubleshooting.md"

#: Kinds that are for developers, or that other code of ours catches.
INTERNAL_KINDS = {"AssertionError", "ModelError", "DoesNotFit", "TooShort"}

#: First words of the same: mistakes of ours that no script can cause.
INTERNAL = {
    "the array '…' is not contiguous",
    "an array of the network is",
    "a queue was not prepared",
    "a program is built for profiling",
    "nobody has said how to keep",
    "it is not known yet whether",  # whoever computes waits for the verdict before
    "module '…' has no attribute",  # Python's own words
    "pygenn",  # a part of what `RefusedNetwork` says
}

#: What is put together elsewhere than where it is raised or logged.
PUT_TOGETHER = {
    "backends/choice.py": [
        "computes something else",
        "could not run a small network",
        "Whether the GPU",
        "Networks run on this machine's processor",
        "Networks are handed to GeNN",
    ],
    "backends/host/toolchain.py": ["The compiler could not compile"],
    "backends/cuda/device/choice.py": ["The GPU could not be opened"],
    "backends/cuda/device/presence.py": [
        "This machine seems to have an NVIDIA GPU",
        "This machine's NVIDIA GPU is not used",
        "There is no sign of an NVIDIA GPU",
    ],
    "backends/refusal.py": ["cannot run this network, and does not approximate it"],
    "frontend/network.py": ["is Python code"],
    "preferences.py": ["There is no preference"],
    "sweeps/results.py": ["has no results, because it failed", "has no results: it was not run"],
    "runtime/messages/mishaps.py": ["the compiler has failed"],
    "model/spelling.py": ["Did you mean"],
    "runtime/messages/strangers.py": ["was made under the device"],
}


def page() -> str:
    return normal(PAGE.read_text("utf-8"))


def is_for_people(message: Message) -> bool:
    return message.kind not in INTERNAL_KINDS and message.first_words not in INTERNAL


def test_no_message_is_missing():
    text = page()
    missing = [
        f"{message.place}: {message.first_words}"
        for message in messages()
        if is_for_people(message) and message.first_words not in text
    ]
    assert not missing, "on the page docs/troubleshooting.md, these are not explained"


def test_messages_are_found():
    found = messages()
    assert len(found) > 120
    assert {message.kind for message in found} > {*REASONS, "ValueError", "logger.warn"}
    assert all(GAP not in message.first_words[:1] for message in found)


def test_texts_that_are_put_together_are_on_the_page():
    import brian2genn

    package = Path(brian2genn.__file__).parent
    for module, phrases in PUT_TOGETHER.items():
        source = normal((package / module).read_text("utf-8"))
        for phrase in phrases:
            assert phrase.partition(" ")[2] in source or phrase in source, (module, phrase)
            assert phrase in page(), phrase


def test_nothing_internal_is_listed_in_vain():
    assert {message.first_words for message in messages()} >= INTERNAL
