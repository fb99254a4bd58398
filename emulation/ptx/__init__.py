"""Executes what NVRTC makes of CUDA programs, and looks at it more closely than a GPU would.

`parse` reads PTX, `translate` makes C++ of it with `instructions` and `operands`, and
`driver.PtxDriver` compiles that with `runtime.h` and runs it: plainly, watched for races and wrong
addresses (`watch.h`), or counted (`count.h`).
"""
