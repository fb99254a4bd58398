"""Brian asks for a code object: which one it gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from brian2.codegen.runtime.cython_rt import CythonCodeObject
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.core import names as brian_names

from ...backends.interface import Backend
from ...frontend.cython_target import cython_version
from ...frontend.functions import GennTarget
from ...frontend.recorded import LOOP_TEMPLATES, SETUP_TEMPLATES, RecordedCode, check_groups
from ..messages.explain import SetupLog
from .codeobject import LoopCodeObject
from .compilers import NO_COMPILER, Compilers
from .setup import SetupCodeObject


@dataclass
class CodeRequest:
    """What Brian asks for; the names are those of its ``Device.code_object``."""

    owner: Any
    name: str
    abstract_code: Any
    variables: dict[str, Any]
    template_name: str
    variable_indices: Any
    codeobj_class: Any = None
    template_kwds: dict[str, Any] | None = None
    override_conditional_write: Any = None
    compiler_kwds: dict[str, Any] | None = None

    @property
    def free(self) -> bool:
        """Whether nobody asks for a target of Brian's."""
        return self.codeobj_class in (None, NumpyCodeObject)

    def recorded(self, name: str) -> RecordedCode:
        """The same, to be compiled later."""
        return RecordedCode(
            self.owner,
            name,
            self.abstract_code,
            self.variables,
            self.template_name,
            self.variable_indices,
            dict(self.template_kwds or {}),
            set(self.override_conditional_write or ()),
        )


@dataclass
class CodeMaker:
    """Records code: it is compiled with the whole network, or when it is called.

    Attributes
    ----------
    compilers : Compilers
    by_brian : callable
        Makes Brian's own code object, by its ``Device.code_object``.
    attach : callable
        Lets Brian's code objects find the arrays of this device.
    backend : callable
        Returns the backend in use.
    setup_key : callable
        Returns a key for the random numbers of a piece of set-up code.
    before_loop_code : callable
        Makes current what code of the loop uses that Brian runs.
    threads : callable
        Says how many threads of the processor may be used.
    log : SetupLog
    """

    compilers: Compilers
    by_brian: Callable[..., Any]
    attach: Callable[[Any], Any]
    backend: Callable[[], Backend]
    setup_key: Callable[[], int]
    before_loop_code: Callable[[LoopCodeObject], None]
    threads: Callable[[], int]
    log: SetupLog = field(default_factory=SetupLog)

    def make(self, request: CodeRequest) -> Any:
        """The code object for a piece of code."""
        template = request.template_name
        check_groups(request.owner, request.variables, request.variable_indices)
        in_loop, in_setup = template in LOOP_TEMPLATES, template in SETUP_TEMPLATES
        by_brian = self._brian_version(request, in_loop)
        compilable = request.free and (
            self.compilers.for_setup if in_setup else self.compilers.for_networks
        )
        if in_setup:
            # nobody is told the name of set-up code but by an error
            return self._for_setup(
                request.recorded(request.name.removesuffix("*")), request, by_brian, compilable
            )
        if not (in_loop and compilable):
            return by_brian()
        recorded = request.recorded(brian_names.find_name(request.name))
        recorded.analyse(GennTarget)
        return LoopCodeObject(
            recorded, by_brian, lambda: self.backend().only_reading(), self.before_loop_code
        )

    def _for_setup(
        self,
        recorded: RecordedCode,
        request: CodeRequest,
        by_brian: Callable[[], Any],
        compilable: bool,
    ) -> Any:
        if not compilable:
            target = getattr(request.codeobj_class, "__name__", request.codeobj_class)
            foreign = f"uses Brian's own {target}"
            self.log.add(recorded, foreign if self.compilers.for_setup else NO_COMPILER)
            return by_brian()
        recorded.analyse(GennTarget)
        return SetupCodeObject(
            recorded,
            by_brian,
            self.setup_key,
            self.log.add,
            lambda: self.backend().setup(),
            self.threads,
        )

    def _brian_version(self, request: CodeRequest, in_loop: bool) -> Callable[[], Any]:
        """What makes the code object that executes the code where this device does not."""
        # strings are evaluated by NumPy's target in Brian, too
        may_be_cython = in_loop or request.template_name == "synapses_create_generator"
        cython = (
            cython_version(request.owner, request.template_name, request.variables, GennTarget)
            if request.free and may_be_cython
            else None
        )

        def make(codeobj_class: Any, compiler_kwds: Any) -> Any:
            made = self.by_brian(
                request.owner,
                request.name,
                request.abstract_code,
                request.variables,
                request.template_name,
                request.variable_indices,
                codeobj_class=codeobj_class,
                template_kwds=request.template_kwds,
                override_conditional_write=request.override_conditional_write,
                compiler_kwds=compiler_kwds,
            )
            return self.attach(made)

        def by_brian() -> Any:
            if cython is None:
                chosen = NumpyCodeObject if request.free else request.codeobj_class
                return make(chosen, request.compiler_kwds)
            request.variables.update(cython.variables)
            return make(CythonCodeObject, cython.compiler_kwds)

        return by_brian
