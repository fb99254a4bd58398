"""What is left after the GPU, or its driver, has failed in the middle of something."""

import re

import pytest

#: How a script goes on after the GPU is lost.
_GOES_ON = """
    recorded = net.trace.t[:]
    print("recorded", len(recorded))
    assert np.all(np.diff(np.asarray(recorded)) > 0) and net.trace.v.shape == (2, len(recorded))
    for attempt in (lambda: net.cells.v[:], lambda: net.run(1*ms), lambda: network().run(1*ms)):
        try:
            attempt()
        except Exception as error:
            chain = error
            while chain is not None and not isinstance(chain, CudaLost):
                chain = chain.__cause__
            assert "is lost" in str(chain) and "backend='cpu'" in str(chain), error
        else:
            raise AssertionError("a lost GPU was used")
    try:
        set_device("genn", backend="cuda")
    except CudaUnavailable as missing:
        assert "This Python cannot use the GPU again" in str(missing)
    else:
        raise AssertionError("a lost GPU was opened")
    set_device("genn", backend="cpu")
    old, new = network(), net
    for one in (old, new):
        before = len(one.trace.t)
        one.cells.v = "i/N"
        one.run(3*ms)
        assert len(one.trace.t) == before + 30
    assert np.allclose(old.cells.v, new.cells.v, atol=0.05)
    print("went on")
"""


@pytest.mark.parametrize(
    "code, name",
    [
        (700, "CUDA_ERROR_ILLEGAL_ADDRESS"),
        pytest.param(719, "CUDA_ERROR_LAUNCH_FAILED", marks=pytest.mark.slow),
    ],
)
def test_a_kernel_that_fails_in_the_middle_of_a_run(over, code, name):
    said = over.script(
        """
    choice.find_driver().rules = TuningRules(meetings=(Meeting.NOWHERE,))  # a step is two launches
    set_device("genn", backend="cuda")
    net = network()
    net.run(5*ms)
    try:
        net.run(50*ms)
    except CudaLost as lost:
        print(lost, *lost.__notes__)
    """
        + _GOES_ON,
        FAKE_CUDA_FAILING_LAUNCH="300",
        FAKE_CUDA_FAILURE=str(code),
    )
    assert f"The GPU has failed with {name} (running a program)" in said
    assert re.search(r"It was lost in a run of 'network', which had come to 0\.\d+ s\.", said)
    assert int(re.search(r"recorded (\d+)", said)[1]) >= 50
    assert "went on" in said
    assert "have the values now that this machine's processor saw last" in over.stderr


def test_a_kernel_that_leaves_its_memory(over):
    said = over.script(
        """
    set_device("genn", backend="cuda")
    net = network()
    net.run(5*ms)
    driver = choice.find_driver()
    memory = driver.allocate(1000)
    text = '''
    extern "C" { __device__ unsigned long long place; }
    extern "C" __global__ void reach(void) { ((int *)place)[threadIdx.x] = 1; }
    '''
    module = driver.build(text)
    reach = Launch(module.kernel("reach"), 1, 32)
    for address in (memory, memory + 1000 - 124, id(driver)):
        driver.upload(module.symbol("place"), np.array([address], dtype=np.uint64))
        driver.launch([reach])
        if address == memory + 1000 - 124:
            driver.free(memory)
    try:
        driver.download(np.empty(1), module.symbol("place"))
    except CudaLost as lost:
        print(lost)
    """
        + _GOES_ON
    )
    assert "CUDA_ERROR_ILLEGAL_ADDRESS" in said
    assert "went on" in said
    behind, outside = over.mistakes()
    assert "4 of the bytes behind an allocation of 1000 bytes were written to" in behind
    assert "kernel reach touched" in outside


@pytest.mark.slow
def test_another_package_that_resets_the_gpu(over):
    said = over.script(
        """
    from cuda.bindings import driver as cu
    set_device("genn", backend="cuda")
    net = network()
    net.run(5*ms)
    cu.cuDevicePrimaryCtxReset(0)
    try:
        net.run(5*ms)
    except CudaLost as lost:
        print(lost)
    """
        + _GOES_ON
    )
    assert "CUDA_ERROR_CONTEXT_IS_DESTROYED" in said
    assert "recorded 50" in said
    assert "went on" in said


def test_too_little_memory_is_told_and_nothing_is_lost(over):
    said = over.script(
        """
    set_device("genn", backend="cuda")
    net = network()
    net.run(5*ms)
    before = net.cells.v[:]
    try:
        network(1_000_000).run(1*ms)
    except MemoryError as error:
        print(error)
    assert np.array_equal(net.cells.v, before)
    net.run(5*ms)
    assert len(net.trace.t) == 100
    try:
        choice.find_driver().allocate(1 << 60)
    except MemoryError as error:
        print(error)
    set_device("genn", backend="cpu")
    assert len(net.trace.t) == 100
    net.run(1*ms)
    network(1_000_000, record=False).run(1*ms)
    print("went on")
    """,
        FAKE_CUDA_MEMORY=str(40 << 20),
    )
    assert "The network does not fit into the GPU's memory. It needs" in said
    assert "MiB were asked for on Stand-in for a GPU" in said
    assert "went on" in said


@pytest.mark.slow
def test_an_image_that_the_driver_does_not_understand(over):
    said = over.script(
        """
    set_device("genn", backend="cuda")
    nvidia.compile_cubin = lambda text, architecture, exact=False: (b"no image", "")
    try:
        network().run(1*ms)
    except CudaError as error:
        print(error)
    """
    )
    assert "does not understand what the compiler has made (CUDA_ERROR_INVALID_IMAGE" in said
    assert "Update the driver" in said


@pytest.mark.slow
def test_ctrl_c_is_heard_although_steps_are_slow(over):
    said = over.script(
        """
    import signal, threading
    set_device("genn", backend="cuda")
    net = network()
    net.run(0.1*ms)
    timer = threading.Timer(1.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    try:
        net.run(100*second)
    except KeyboardInterrupt:
        pass  # or Brian has stopped the network
    print(f"waited {time.monotonic() - timer.began - 1.3:.3f}")
    n = len(net.trace.t)
    assert n > 10 and net.t < 1*second
    assert abs(n*0.1*ms - net.t) < 0.01*ms
    net.run(1*ms)
    assert len(net.trace.t) == n + 10
    """.replace("timer.start()", "timer.began = time.monotonic(); timer.start()"),
        FAKE_CUDA_KERNEL_MICROSECONDS="30000",
    )
    assert float(re.search(r"waited (\S+)", said)[1]) < 0.4
