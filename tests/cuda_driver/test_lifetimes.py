"""What is made is given back, at any time and in any thread; other packages are left in peace."""

import pytest


@pytest.mark.slow
def test_programs_and_memory_are_given_back(over):
    said = over.script(
        """
        import gc
        set_device("genn", backend="cuda")
        def one(n):
            # another text each time: another program
            group = NeuronGroup(n, f"dv/dt = -v**{n}/ms : 1", method="euler")
            net = Network(group)
            net.run(1*ms)
            net.run(1*ms, profile=True)
        one(2)
        before = count(MODULES)
        assert count(EXECUTABLES) > 0
        one(3)
        assert count(MODULES) > before
        assert count(EVENTS) == 0 and count(GRAPHS) == 0
        set_device("genn", backend="cpu")
        gc.collect()
        print(count(MODULES), count(EXECUTABLES), count(ALLOCATIONS), count(STREAMS))
        """
    )
    assert said.split() == ["0", "0", "0", "1"]


@pytest.mark.slow
def test_graphs_of_one_program_do_not_pile_up(over):
    said = over.script(
        """
        from brian2genn.backends.cuda.run import executable
        executable._MOST_GRAPHS = 3
        set_device("genn", backend="cuda")
        for n in range(1, 1000, 100):
            net = network(n, record=False)
            net.run(1*ms)
            del net
        print(count(MODULES), count(EXECUTABLES))
        """
    )
    modules, executables = map(int, said.split())
    assert 0 < executables <= 3 * modules


def test_garbage_is_collected_whenever_it_is(over):
    """Every few allocations of Python, with finalizers of networks among them."""
    said = over.script(
        """
        import gc, threading
        set_device("genn", backend="cuda")
        prefs.core.network.default_schedule  # all is imported
        gc.set_threshold(50, 2, 2)
        for _ in range(3):
            net = network()
            net.itself = net  # only garbage collection finds it
            net.run(3*ms)
        nets = [network()]
        nets[0].run(1*ms)
        thread = threading.Thread(target=lambda: (nets.clear(), gc.collect()))
        thread.start()
        thread.join()
        assert net.cells.v[:].max() > 0
        print("done")
        """
    )
    assert "done" in said


def test_a_running_program_outlives_its_owner(over):
    """Nothing has waited for its kernels when the module is given back."""
    over.script(
        """
        set_device("genn", backend="cuda")
        driver = choice.find_driver()
        text = 'extern "C" __global__ void nothing(void) {}'
        module = driver.build(text)
        launch = Launch(module.kernel("nothing"), 2, 64)
        del module
        graph = driver.graph([launch] * 4)
        driver.launch([launch])
        driver.replay(graph)
        del launch, graph
        assert count(MODULES) == 0 and count(EXECUTABLES) == 0
        """
    )


@pytest.mark.slow
def test_reading_in_another_thread(over):
    over.script(
        """
        import threading
        set_device("genn", backend="cuda")
        net = network()
        found, failures = [], []
        def read():
            try:
                while not found or found[-1] < 300:
                    found.append(len(net.trace.t))
                    time.sleep(0.01)
            except BaseException as error:
                failures.append(error)
        thread = threading.Thread(target=read)
        thread.start()
        net.run(40*ms)
        thread.join()
        assert not failures, failures
        assert len(net.trace.t) == 400
        """
    )


def test_threads_keep_the_context_that_they_have(over):
    """Another package's, or none."""
    over.script(
        """
        from cuda.bindings import driver as cu
        set_device("genn", backend="cuda")
        net = network()
        net.run(1*ms)
        assert int(cu.cuCtxGetCurrent()[1]) == 0
        _, context = cu.cuDevicePrimaryCtxRetain(0)
        cu.cuCtxSetCurrent(context)
        net.run(1*ms)
        net.cells.v[:]
        assert int(cu.cuCtxGetCurrent()[1]) == int(context)
        """
    )


@pytest.mark.slow
def test_too_many_blocks_at_once_are_refused(over):
    """A cooperative launch needs all of its blocks on the GPU at the same time."""
    said = over.script(
        """
        from cuda.bindings import driver as cu
        set_device("genn", backend="cuda")
        driver = choice.find_driver()
        kernel = driver.build('extern "C" __global__ void nothing(void) {}').kernel("nothing")
        fits = driver.attributes(kernel, 64).resident_blocks * driver.multiprocessors
        with driver.current():
            for blocks in (fits, fits + 1):
                code, = cu.cuLaunchCooperativeKernel(
                    kernel.handle, blocks, 1, 1, 64, 1, 1, 0, driver._stream, 0
                )
                print(code.name)
                _, graph = cu.cuGraphCreate(0)
                node = cu.CUDA_KERNEL_NODE_PARAMS()
                node.func = kernel.handle
                node.gridDimX, node.gridDimY, node.gridDimZ = blocks, 1, 1
                node.blockDimX, node.blockDimY, node.blockDimZ = 64, 1, 1
                _, node = cu.cuGraphAddKernelNode(graph, [], 0, node)
                value = cu.CUkernelNodeAttrValue()
                value.cooperative = 1
                which = cu.CUkernelNodeAttrID.CU_LAUNCH_ATTRIBUTE_COOPERATIVE
                code, = cu.cuGraphKernelNodeSetAttribute(node, which, value)
                assert int(code) == 0
                print(cu.cuGraphInstantiate(graph, 0)[0].name)
        """
    )
    too_large = "CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE"
    assert said.split() == ["CUDA_SUCCESS", "CUDA_SUCCESS", too_large, too_large]
    assert over.mistakes() == [
        "cuLaunchCooperativeKernel: 9 blocks at once",
        "cuGraphInstantiate: 9 blocks at once",
    ]


@pytest.mark.slow
def test_clusters_are_found_launched_and_refused(over):
    """Blocks that are one cluster, as large as it fits on two multiprocessors."""
    said = over.script(
        """
        set_device("genn", backend="cuda")
        driver = choice.find_driver()
        module = driver.build('extern "C" __global__ void nothing(void) {}')
        kernel = module.kernel("nothing")
        print(*(driver.most_blocks(kernel, threads, Meeting.CLUSTER) for threads in (64, 128, 512)))
        driver.launch([Launch(kernel, 8, 64, Meeting.CLUSTER)])
        try:
            driver.launch([Launch(kernel, 16, 64, Meeting.CLUSTER)])
        except CudaError as error:
            print("INVALID_CLUSTER_SIZE" in str(error))
        """
    )
    assert said.split() == ["8", "4", "0", "True"]
    assert over.mistakes() == ["cuLaunchKernelEx: a cluster of 16 blocks"]


@pytest.mark.slow
@pytest.mark.parametrize(("capability", "clusters"), [("90", True), ("80", False)])
def test_time_steps_are_executed_in_a_cluster(over, capability, clusters):
    said = over.script(
        """
        set_device("genn", backend="cuda")
        driver = choice.find_driver()
        driver.rules = replace(driver.rules, steps=3)
        launched = set()
        launch = driver.launch
        def watched(several):
            launched.update(one.meeting.name for one in several)
            launch(several)
        driver.launch = watched
        net = network()
        net.run(20*ms)
        print(*sorted(launched))
        """,
        FAKE_CUDA_CAPABILITY=capability,
    )
    assert said.split() == ["CLUSTER"] * clusters + ["MEMORY", "NOWHERE"]


def test_programs_are_compiled_ahead_side_by_side(over):
    """Who asks for one waits for it; an error is told then, and what is kept needs no compiler."""
    over.script(
        """
        import threading

        compile_cubin, met = nvidia.compile_cubin, threading.Barrier(2)

        def together(*arguments, **options):
            met.wait(60)  # both are under way
            return compile_cubin(*arguments, **options)

        kernel = 'extern "C" __global__ void one(double *x) {{ x[0] = {}; }}'
        texts = [kernel.format(time.time_ns() + k) for k in range(2)]
        nvidia.compile_cubin = together
        driver = choice.find_driver()
        for text in texts:
            assert not driver.compile_ahead(text)
            assert not driver.compile_ahead(text)
        for text in texts:
            driver.build(text).kernel("one")
            assert driver.compile_ahead(text)
            assert text not in {begun for begun, _ in driver._begun}

        nvidia.compile_cubin = compile_cubin
        wrong = 'extern "C" __global__ void one(void) { nothing(); }'
        for _ in range(2):
            driver.compile_ahead(wrong)
            try:
                driver.build(wrong)
            except CudaError as error:
                assert "NVRTC could not compile" in str(error)
            else:
                raise AssertionError("it was compiled")
        """
    )


def test_a_process_that_ends_waits_for_its_compilers(over):
    """They are in NVIDIA's library, and a thread there must not see the process go."""
    over.script(
        """
        driver = choice.find_driver()
        driver.compile_ahead(f'extern "C" __global__ void k(double *x) {{ x[0] = {time.time()}; }}')
        """
    )
