"""The stand-in for NVIDIA's driver notices what a host program must not do."""

import json

import pytest

#: Calls, the code that they return, and what is noted; all after the set-up below.
CASES = [
    ("cu.cuMemFree(memory + 8)", "INVALID_VALUE", "was not allocated"),
    ("cu.cuMemFree(freed)", "INVALID_VALUE", "was freed before"),
    ("cu.cuMemAlloc(0)", "INVALID_VALUE", "no bytes"),
    ("cu.cuMemAlloc(1 << 50)", "OUT_OF_MEMORY", None),
    (
        "cu.cuMemcpyHtoDAsync(memory + 24, host.ctypes.data, 80, stream)",
        "INVALID_VALUE",
        "80 bytes at",
    ),
    (
        "cu.cuMemcpyDtoHAsync(host.ctypes.data, freed, 80, stream)",
        "INVALID_VALUE",
        "was freed",
    ),
    (
        "cu.cuMemcpyHtoDAsync(host.ctypes.data, host.ctypes.data, 80, stream)",
        "INVALID_VALUE",
        "no address of the device",
    ),
    ("cu.cuMemsetD8Async(count, 0, 9, stream)", "INVALID_VALUE", "8 bytes before the end"),
    ("cu.cuMemcpyDtoDAsync(memory, count, 8, 0)", "INVALID_HANDLE", "is no stream"),
    ("launch(kernel, 0, 64)", "INVALID_VALUE", "0 x 1 x 1 blocks"),
    ("launch(kernel, 1 << 31, 64)", "INVALID_VALUE", "2147483648 x 1 x 1 blocks"),
    ("launch(kernel, 1, 2048)", "INVALID_VALUE", "2048 threads in a block"),
    ("launch(old_kernel, 1, 64)", "INVALID_HANDLE", "is a destroyed function"),
    ("launch(stream, 1, 64)", "INVALID_HANDLE", "is no function"),
    ("cu.cuModuleGetFunction(module, b'nothing')", "NOT_FOUND", "no kernel 'nothing'"),
    ("cu.cuModuleGetFunction(module, b'n')", "NOT_FOUND", "no kernel 'n'"),
    ("cu.cuModuleGetGlobal(module, b'add')", "NOT_FOUND", "no variable 'add'"),
    ("cu.cuModuleUnload(old)", "INVALID_HANDLE", "is a destroyed module"),
    ("cu.cuModuleUnload(busy)", "INVALID_VALUE", "kernel add has not been executed yet"),
    ("cu.cuStreamCreate(2)", "INVALID_VALUE", "flags 2"),
    ("cu.cuEventElapsedTime(begin, begin)", "NOT_READY", "nobody has waited"),
    ("cu.cuEventElapsedTime(never, begin)", "INVALID_HANDLE", "was not recorded"),
    ("cu.cuGraphLaunch(graph, stream)", "INVALID_HANDLE", "is no executable graph"),
    ("elsewhere(lambda: cu.cuMemGetInfo())", "INVALID_CONTEXT", "no current context"),
    ("cu.cuCtxPushCurrent(stream)", "INVALID_CONTEXT", "is no context"),
    ("cu.cuDeviceGet(1)", "INVALID_DEVICE", "there is no device 1"),
]

_SET_UP = """
import json, threading
from cuda.bindings import driver as cu

def value(result):
    assert int(result[0]) == 0, result
    return result[1]

def elsewhere(call):
    found = []
    thread = threading.Thread(target=lambda: found.append(call()))
    thread.start()
    thread.join()
    return found[0]

driver = nvidia.NvidiaDriver()
driver.wait_until_open()
cu.cuCtxSetCurrent(driver._context)
text = '''
extern "C" { __device__ int n[2]; }
extern "C" __global__ void add(void) { if (threadIdx.x == 0) n[0] += 1; }
'''
module, old, busy = (
    value(cu.cuModuleLoadData(nvidia.compile_cubin(text, 90)[0])) for _ in range(3)
)
old_kernel = value(cu.cuModuleGetFunction(old, b"add"))
cu.cuModuleUnload(old)
stream = value(cu.cuStreamCreate(1))
other = value(cu.cuStreamCreate(1))
kernel = value(cu.cuModuleGetFunction(module, b"add"))
busy_kernel = value(cu.cuModuleGetFunction(busy, b"add"))
code, count, size = cu.cuModuleGetGlobal(module, b"n")
assert size == 8
count = int(count)
memory, freed = int(value(cu.cuMemAlloc(100))), int(value(cu.cuMemAlloc(100)))
cu.cuMemFree(freed)
host = np.zeros(10)
begin, never = value(cu.cuEventCreate(0)), value(cu.cuEventCreate(0))
graph = value(cu.cuGraphCreate(0))

def launch(what, blocks, threads, on=stream):
    return cu.cuLaunchKernel(what, blocks, 1, 1, threads, 1, 1, 0, on, 0, 0)
"""


def test_mistakes_are_noticed(over):
    calls = [call for call, _, _ in CASES]
    said = over.script(
        """
from cuda.bindings import driver as cu
before = cu.cuDeviceGetCount()[0].name
"""
        + _SET_UP
        + f"""
assert int(launch(busy_kernel, 1, 64, other)[0]) == 0
cu.cuEventRecord(begin, stream)
print(json.dumps([before, *(eval(call)[0].name for call in {calls!r})]))
"""
    )
    wanted = ["NOT_INITIALIZED", *(code for _, code, _ in CASES)]
    assert json.loads(said) == [f"CUDA_ERROR_{code}" for code in wanted]
    noted = over.mistakes()
    parts = ["before cuInit", *(part for _, _, part in CASES if part)]
    assert len(noted) == len(parts), noted
    for line, part in zip(noted, parts, strict=True):
        assert part in line, line


def test_nothing_is_done_before_somebody_waits(over):
    said = over.script(
        _SET_UP
        + """
n = np.full(2, 7, dtype=np.int32)
cu.cuMemsetD8Async(count, 0, 8, stream)
launch(kernel, 3, 64)
cu.cuMemcpyDtoHAsync(n.ctypes.data, count, 8, stream)
print(n.tolist())
cu.cuStreamSynchronize(other)
print(n.tolist())
cu.cuStreamSynchronize(stream)
print(n.tolist())
cu.cuMemcpyDtoHAsync(host.ctypes.data, memory, 8, stream)
cu.cuStreamSynchronize(stream)
print(host[0] == np.frombuffer(b"\\xa5" * 8)[0])
launch(kernel, 1, 64)
cu.cuMemcpyDtoHAsync(n.ctypes.data, count, 8, stream)
cu.cuMemFree(memory)
print(n.tolist())
"""
    )
    assert said.splitlines() == ["[7, 7]", "[7, 7]", "[3, 0]", "True", "[4, 0]"]


@pytest.mark.slow
def test_nodes_without_dependences_are_executed_in_any_order(over):
    said = over.script(
        """
        set_device("genn", backend="cuda")
        driver = choice.find_driver()
        texts = [f'''
        extern "C" {{ __device__ int *place; }}
        extern "C" __global__ void put{k}(void) {{ if (threadIdx.x == 0) *place = {k}; }}
        ''' for k in range(2)]
        memory = driver.allocate(4)
        launches = []
        for k, text in enumerate(texts):
            module = driver.build(text)
            driver.upload(module.symbol("place"), np.array([memory], dtype=np.uint64))
            launches.append(Launch(module.kernel(f"put{k}"), 1, 32))
        chained = driver.graph(launches)
        add = driver._cu.cuGraphAddKernelNode
        driver._cu.cuGraphAddKernelNode = lambda graph, before, n, node: add(graph, [], 0, node)
        free = driver.graph(launches)
        for graph in (chained, free):
            found = set()
            for _ in range(40):
                last = np.empty(1, dtype=np.int32)
                driver.replay(graph)
                driver.download(last, memory)
                found.add(int(last[0]))
            print(sorted(found))
        """
    )
    assert said.splitlines() == ["[1]", "[0, 1]"]
