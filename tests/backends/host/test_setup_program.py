"""Set-up programs: built by hand, and how often they are compiled."""

import numpy as np
import pytest
from brian2 import NeuronGroup, Synapses, mV, set_device

from brian2genn.backends.host import interpreter, toolchain
from brian2genn.backends.host.setup import Connections, SetupError, SetupProgram
from brian2genn.model import expr as ex
from brian2genn.model.dtypes import FLOAT64, INT32, INT64
from brian2genn.model.kernel import Access, Kernel, Store
from brian2genn.model.network import Array, Clock, Network, Param
from brian2genn.model.setup import Assign, Connect, Iteration
from brian2genn.model.verify import verify


def assignment(*, conditional: bool, listed: bool) -> Network:
    """``x = 2*left``, where `left` is another element's x: nobody sees what is new."""
    arrays = {"x": FLOAT64, "left_of": INT32, "listed": INT32}
    network = Network(
        arrays={name: Array(name, dtype, name) for name, dtype in arrays.items()},
        params={"N": Param("N", INT64), "two": Param("two", FLOAT64)},
        clocks=[Clock("none")],
    )
    kernel = Kernel("kernel", "test")
    kernel.accesses = {
        "x": Access("x", "x", FLOAT64),
        "left_of": Access("left_of", "left_of", INT32),
        "left": Access("left", "x", FLOAT64, "left_of"),
    }
    left = ex.make("load", attr="left")
    if conditional:
        kernel.outputs["_cond"] = ex.compare("gt", left, ex.const(1.0))
    kernel.stores = [Store("x", ex.binary("mul", ex.make("param", attr="two"), left))]
    where = {"indices": "listed"} if listed else {"size": "N"}
    network.steps = [Assign("step", "test", "test", 0, kernel, **where)]
    return network


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("conditional", [False, True])
def test_all_values_are_computed_before_one_is_written(conditional, listed):
    network = assignment(conditional=conditional, listed=listed)
    verify(network)
    x = np.array([3.0, 0.5, 2.0, 1.5])
    left_of = np.array([3, 0, 1, 2], dtype=np.int32)
    chosen = np.array([2, 0, 0, 3], dtype=np.int32) if listed else np.arange(4, dtype=np.int32)
    expected = x.copy()
    for k in chosen:
        if not conditional or x[left_of[k]] > 1:
            expected[k] = 2 * x[left_of[k]]
    arrays = {"x": x, "left_of": left_of, "listed": chosen}
    SetupProgram(network).run(arrays, {"N": 4, "two": 2.0}, key=0)
    np.testing.assert_array_equal(x, expected)


def pattern(iteration: Iteration, limit: ex.Expr | None) -> Network:
    """Every row is connected to what `range` or a sample of all partners gives."""
    names = ("N_rows", "N_partners", "row_offset", "partner_offset")
    network = Network(params={name: Param(name, INT64) for name in names}, clocks=[Clock("none")])
    partners = ex.make("param", attr="N_partners", dtype=INT64)
    kernel = Kernel("kernel", "test", given={"_i": INT32, "_k": INT32, "_j": INT32})
    kernel.outputs = {"_iter_low": ex.const(0), "_iter_high": partners, "_iter_step": ex.const(1)}
    if limit is not None:
        kernel.outputs[f"_iter_{iteration.value}"] = limit
    kernel.outputs["_j"] = ex.make("given", attr="_k", dtype=INT32)
    kernel.outputs["_n"] = ex.const(1)
    step = Connect("step", "test", "test", 0, kernel, *names, iteration=iteration)
    network.steps = [step]
    return network


def connected(
    network: Network, key: int, rows: int, partners: int
) -> tuple[np.ndarray, np.ndarray]:
    verify(network)
    connections = Connections()
    params = {"N_rows": rows, "N_partners": partners, "row_offset": 10, "partner_offset": 20}
    try:
        count = SetupProgram(network).run({}, params, key, connections)
        pre, post = connections.pre.copy(), connections.post.copy()
        assert len(pre) == len(post) == count
        return [pre - 10, post - 20]
    finally:
        connections.release()


def test_all_pairs():
    pre, post = connected(pattern(Iteration.RANGE, None), 0, 70, 130)
    np.testing.assert_array_equal(pre, np.repeat(np.arange(70), 130))
    np.testing.assert_array_equal(post, np.tile(np.arange(130), 70))


@pytest.mark.parametrize("size", [0, 1, 31, 64, 65, 100, 129, 130])
def test_samples_are_sets_of_their_size(size):
    """Also after a sample that left out what it drew, and one that did not."""
    network = pattern(Iteration.SAMPLE_BY_SIZE, ex.const(size))
    pre, post = connected(network, 5, 40, 130)
    for row in range(40):
        chosen = post[pre == row]
        assert len(chosen) == size
        assert np.all(np.diff(chosen) > 0)
        assert np.all((chosen >= 0) & (chosen < 130))


def test_samples_of_different_sizes_leave_nothing_behind():
    row = ex.make("given", attr="_i", dtype=INT32)
    pre, _ = connected(pattern(Iteration.SAMPLE_BY_SIZE, row), 6, 131, 130 + 1)
    np.testing.assert_array_equal(np.bincount(pre, minlength=131), np.arange(131))


@pytest.mark.parametrize("p", [-1.0, 0.0, 1e-300, 1.0, 3.0, float("nan")])
def test_probabilities_at_the_limits(p):
    network = pattern(Iteration.SAMPLE_BY_PROBABILITY, ex.const(p))
    pre, _ = connected(network, 7, 5, 50)
    assert len(pre) == (250 if p >= 1 else 0)


def test_the_key_alone_decides():
    network = pattern(Iteration.SAMPLE_BY_PROBABILITY, ex.const(0.1))
    first, again = connected(network, 8, 20, 100), connected(network, 8, 20, 100)
    np.testing.assert_array_equal(first, again)
    other = connected(network, 9, 20, 100)
    assert not np.array_equal(first[1], other[1])


def test_errors_carry_the_numbers():
    network = pattern(Iteration.SAMPLE_BY_SIZE, ex.const(9))
    with pytest.raises(SetupError) as raised:
        connected(network, 0, 2, 8)
    assert (raised.value.wrong, raised.value.limit) == (9, 8)


def test_numbers_and_names_of_groups_are_no_part_of_programs(device, monkeypatch):
    """What differs in numbers only is compiled once."""
    if device != "genn":
        pytest.skip("asks what is compiled")
    set_device(device)
    texts = set()
    compile_library = toolchain.compile_library

    def recording(chain, text, name, is_cpp=False):
        if name == "setup":  # not the support library, which the first test compiles
            texts.add(text)
        return compile_library(chain, text, name, is_cpp)

    monkeypatch.setattr(toolchain, "compile_library", recording)
    monkeypatch.setattr(interpreter, "_MOST", -1)  # what is small is not compiled at all
    for k, size in enumerate((5, 8), start=2):
        group = NeuronGroup(size, "v : volt", name=f"cells_{k}")
        scale = k * 2.5
        group.v = f"({k}.5*rand() + {k}*i + scale)*mV"
        group.v[f"i > {k}"] = k * mV
        synapses = Synapses(group, group, "w : 1", name=f"contacts_{k}")
        synapses.connect(p=0.1 * k)
        synapses.connect(condition=f"abs(i - j) < {k + 5}", n=k)
        synapses.connect(i=[0, 1], j=[1, 0])
        synapses.w = f"{scale}*rand()"
    assert len(texts) == 5  # pairs that are given need none
