"""What Brian writes of a generator is the same, but for brackets that nobody needs."""

import ast
import sys

import pytest
from brian2 import set_device
from brian2.parsing.rendering import NodeRenderer
from brian2.synapses import synapses

from brian2genn.frontend import brian_costs
from brian2genn.runtime.code.depth import as_deep_as_needed

(ORIGINAL,) = (
    replacement.original
    for replacement in brian_costs.REPLACEMENTS
    if replacement.name == "parse_synapse_generator"
)

#: Texts with a sum of many terms, or of few, in the place of "LONG".
GENERATORS = [
    "k for k in range(LONG)",
    "k for k in range(LONG, N_post, 2) if LONG > -3",
    "LONG + k for k in range(-1, N_post)",
    "k for k in sample(N_post, p=(LONG)*-0.1) if not LONG > 0 and (i != k or LONG == 2)",
    "k for k in sample(LONG, size=int(LONG))",
    "i**2 - -(LONG)**-2 for _ in range(1) if True",
    "int(clip(i//2 % 3, 0, LONG)) for _ in range(1) if i != 5",
]

#: Brian's function takes it for a mistake where Python has no room for it. Python 3.12 never has.
VERY_LONG = pytest.param(
    5_000,
    marks=[
        pytest.mark.slow,
        pytest.mark.skipif(
            sys.version_info[:2] == (3, 12), reason="Python 3.12 itself cannot parse it"
        ),
    ],
)

MISTAKES = [
    "k for k in range(LONG",
    "k for k in range(LONG, 1, 2, 3)",
    "k for k in x if LONG > 0",
    "k for k in range(3) if x[LONG]",
    "k for k in range(3) if (LONG) ^ 2",
    "k for k in sample(N, q=LONG)",
    "k for k in range(3) if 1 < LONG < 3",
    "(k, LONG) for k in range(3)",
    "LONG",
    "k for k in range(3) if i > 0 if LONG > 0",
]


def terms(n: int, of: str = "(i - {k})*w_pre") -> str:
    return " + ".join(of.format(k=k) for k in range(n))


@pytest.fixture(autouse=True)
def device():
    set_device("genn", backend="cpu")


def deepest(text: str) -> int:
    depth = most = 0
    for char in text:
        depth += (char == "(") - (char == ")")
        most = max(most, depth)
    return most


@pytest.mark.parametrize("n", [1, 3, 90])
@pytest.mark.parametrize("text", GENERATORS)
def test_short_generators_are_written_as_brian_does(text, n):
    text = text.replace("LONG", terms(n))
    assert synapses.parse_synapse_generator(text) == ORIGINAL(text)


def parts(text: str) -> dict[str, str]:
    """The trees of all that Brian writes of a generator, by their text there."""
    tree = ast.parse(f"[{text}]", mode="eval").body
    (generator,) = tree.generators
    keywords = [keyword.value for keyword in generator.iter.keywords]
    found = (tree.elt, *generator.iter.args, *keywords, *generator.ifs)
    return {NodeRenderer().render_node(part): ast.dump(part) for part in found}


def texts(parsed: dict) -> dict[str, str]:
    found = {name: parsed[name] for name in ("element", "if_expression")}
    found |= {f"argument {name}": text for name, text in parsed["iterator_kwds"].items()}
    return {name: text or "" for name, text in found.items()}


@pytest.mark.parametrize("n", [150, 2_000, VERY_LONG])
@pytest.mark.parametrize("text", GENERATORS)
def test_long_generators_are_written_with_few_brackets_and_mean_the_same(text, n):
    text = text.replace("LONG", terms(n))

    def compare():
        trees = parts(text)  # first: it says that there is no room
        parsed, expected = synapses.parse_synapse_generator(text), ORIGINAL(text)
        for name in expected.keys() - {"element", "if_expression", "iterator_kwds"}:
            assert parsed[name] == expected[name]
        found = texts(parsed)
        shorter = []
        for name, brians in texts(expected).items():
            if deepest(brians) <= 100:
                assert found[name] == brians
            else:
                assert deepest(found[name]) < 10
                assert ast.dump(ast.parse(found[name], mode="eval").body) == trees[brians]
                shorter.append(name)
        assert shorter

    as_deep_as_needed(compare)


@pytest.mark.parametrize("n", [1, 300])
@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes_are_those_that_brian_finds(text, n):
    text = text.replace("LONG", terms(n))

    def outcome(function):
        try:
            return as_deep_as_needed(lambda: function(text))
        except Exception as error:
            return type(error), str(error)

    expected = outcome(ORIGINAL)
    assert expected[0] in (SyntaxError, TypeError, ValueError)
    assert outcome(synapses.parse_synapse_generator) == expected


def test_brians_own_function_is_asked_under_other_devices():
    text = f"k for k in range({terms(200)})"
    set_device("runtime")
    assert synapses.parse_synapse_generator(text) == ORIGINAL(text)
