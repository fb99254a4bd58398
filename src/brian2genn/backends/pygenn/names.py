"""Names in GeNN's code strings, and what they stand for."""

from __future__ import annotations

from ...codegen.genn.code import GENN_TYPE, NotInGenn, whole
from ...model.dtypes import is_float
from ...model.kernel import ELEMENT, Access, Kernel, RandomSite, Table
from ...model.network import Role
from .description import ExtraGlobal, Parameter, Population, Reference, SynapsePopulation, Variable
from .instance import Instance

#: What GeNN or C give a meaning.
_RESERVED = frozenset(
    """
    t dt id num_neurons num_batch batch Isyn inSyn st st_pre st_post prev_st_pre prev_st_post
    set set_pre set_post prev_set prev_set_pre prev_set_post id_pre id_post id_syn num_pre
    num_post injectCurrent addToPre addToPost addToPostDelay phase spiked replayed emitted
    live delay t_last slot slot_last scalar timepoint auto break case char const continue
    default do double else enum extern float for goto if inline int long register restrict
    return short signed sizeof static struct switch typedef union unsigned void volatile while
    true false bool for_each_synapse size_t cos sin tan acos asin atan atan2 cosh sinh tanh
    acosh asinh atanh exp expm1 exp2 pow scalbn log log1p log2 log10 ldexp ilogb sqrt cbrt
    hypot ceil floor fmod round rint trunc nearbyint nextafter remainder fabs fdim fmax fmin
    erf erfc tgamma lgamma copysign fma min max abs printf assert gennrand
    """.split()  # noqa: SIM905
)
_PREFIXES = ("tmp", "in_", "rec_", "at_", "gennrand_")


def genn_name(name: str, taken: set[str]) -> str:
    """A name that GeNN takes, as close to `name` as may be, and not in `taken`, where it goes."""
    name = "".join(c if c.isalnum() and c.isascii() else "_" for c in name).strip("_") or "x"
    if name[0].isdigit():
        name = f"x{name}"
    if name in _RESERVED or name.startswith(_PREFIXES):
        name += "_"
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    taken.add(candidate)
    return candidate


class Scope:
    """The names of one population's model, which grows as code uses them.

    Parameters
    ----------
    instance : Instance
    group : str
        The name of the group in the script.
    population : Population or SynapsePopulation
    """

    def __init__(
        self, instance: Instance, group: str, population: Population | SynapsePopulation
    ) -> None:
        self.instance = instance
        self.group = group
        self.population = population
        self.taken: set[str] = set()
        self._by_array: dict[str, str] = {}
        self._by_param: dict[tuple[str, str], str] = {}
        self._temporaries = 0

    def number(self) -> int:
        """Numbers temporaries."""
        self._temporaries += 1
        return self._temporaries

    def variable(self, array: str) -> str:
        """The variable that stands for an array."""
        name = self._by_array.get(array)
        if name is None:
            model = self.instance.network.arrays[array]
            name = self._by_array[array] = genn_name(model.variable or array, self.taken)
            dtype = model.dtype
            self.population.variables.append(
                Variable(name, GENN_TYPE[dtype], array, array not in self.instance.mutated)
            )
        return name

    def internal(self, name: str, type: str) -> str:
        """A variable of GeNN's code alone."""
        if all(known.name != name for known in self.population.variables):
            self.population.variables.append(Variable(name, type))
        return name

    def param(self, name: str, dtype: str) -> str:
        """A number of the script: a dynamic parameter. GeNN cuts 64 bit integers, so none is."""
        known = self._by_param.get((name, dtype))
        if known is None:
            known = self._by_param[name, dtype] = genn_name(name, self.taken)
            if is_float(dtype):
                parameter = Parameter(known, GENN_TYPE[dtype], dynamic=True, param=name)
            else:
                parameter = Parameter(known, "double", dynamic=True, param=name)
            self.population.parameters.append(parameter)
        return known if is_float(dtype) else whole(known, dtype)

    def shared(self, array: str) -> str:
        """The only element of an array that nothing writes to during a run."""
        model = self.instance.network.arrays[array]
        dtype = model.dtype
        known = self._by_array.get(array)
        if known is None:
            known = self._by_array[array] = genn_name(model.variable or array, self.taken)
            type_ = GENN_TYPE[dtype] if is_float(dtype) else "double"
            self.population.parameters.append(Parameter(known, type_, dynamic=True, array=array))
        if is_float(dtype):
            return known
        return f"({known} != 0.0)" if dtype == "bool" else f"(({GENN_TYPE[dtype]}){known})"

    def setting(self, name: str, type: str, value: float | int, *, dynamic: bool = False) -> str:
        """A parameter of GeNN's code alone."""
        if all(known.name != name for known in self.population.parameters):
            self.population.parameters.append(Parameter(name, type, value, dynamic))
        return name

    def extra_global(self, name: str, type: str, size: int, array: str = "") -> str:
        """An extra global parameter."""
        if all(known.name != name for known in self.population.extra_globals):
            self.population.extra_globals.append(ExtraGlobal(name, type, max(size, 1), array))
        return name

    def reference(self, side: str, type: str, variable: str) -> str:
        """A synapse's name of a variable of its source (side 'pre') or target population."""
        assert isinstance(self.population, SynapsePopulation)
        pre = side == "pre"
        own = self.population.pre_references if pre else self.population.post_references
        for known in own:
            if known.variable == variable:
                return known.name
        name = genn_name(f"{variable}_{side}", self.taken)
        own.append(Reference(name, type, variable))
        return name


class CodeNames:
    """Names in the code of one step (implements `Names`).

    Parameters
    ----------
    scope : Scope
    kernel : Kernel
    clock : int
        The step's.
    last : bool
        Whether GeNN executes it one time step later than Brian.
    """

    def __init__(self, scope: Scope, kernel: Kernel, clock: int, *, last: bool) -> None:
        self.scope = scope
        self.kernel = kernel
        self.clock = clock
        self.last = last

    def variable(self, access: Access) -> str:
        """The text that reads or writes a variable."""
        if access.index is None:
            return self.shared(access)
        if access.index == ELEMENT:
            instance = self.scope.instance
            owner = instance.group_of(access.array)
            if owner != self.scope.group and access.array in instance.mutated:
                raise NotInGenn(f"'{access.name}', which is linked to what changes in '{owner}'")
            return self.scope.variable(access.array)
        raise NotInGenn(f"'{access.name}', which belongs to another neuron (by an index)")

    def shared(self, access: Access) -> str:
        """The text for what is the same for all elements."""
        instance = self.scope.instance
        if access.array in instance.clock_arrays:
            return self.time(*instance.clock_arrays[access.array])
        if access.array in instance.mutated:
            raise NotInGenn(f"the shared variable '{access.name}', which is written during a run")
        return self.scope.shared(access.array)

    def time(self, clock: int, what: Role) -> str:
        """The text for the time, the time step or dt of a clock, bit by bit as Brian has them."""
        instance = self.scope.instance
        ratio = instance.ratio(clock)
        step = "(rint(t / dt) - 1.0)" if self.last else "rint(t / dt)"
        own = "dt"
        if ratio != 1:
            step, own = f"floor({step} / {float(ratio or 1)})", repr(instance.clocks[clock].dt)
        match what:
            case Role.DT:
                return own
            case Role.TIMESTEP:
                return f"((int64_t){step})"
            case Role.TIME:
                return "t" if ratio == 1 and not self.last else f"({step} * {own})"
        raise NotInGenn(f"the '{what.value}' of a clock")

    def param(self, name: str, dtype: str) -> str:
        """The text that reads a parameter of the network."""
        return self.scope.param(name, dtype)

    def table(self, table: Table, arguments: list[str]) -> str:
        """A function of time: its samples are an extra global parameter."""
        scope, instance = self.scope, self.scope.instance
        name = f"at_{table.array}"
        scope.extra_global(name, "double", len(instance.arrays[table.array]), table.array)
        epsilon = scope.param(table.epsilon, "float64")
        upsampling = scope.param(table.upsampling, "float64")
        rows = scope.param(table.rows, "int32")
        row = f"(int)(({arguments[0]} / {epsilon} + 0.5) / {upsampling})"
        row = f"max(0, min({row}, {rows} - 1))"
        if table.columns is None:
            return f"{name}[{row}]"
        columns = scope.param(table.columns, "int32")
        column = f"((int){arguments[1]})"
        inside = f"{column} >= 0 && {column} < {columns}"
        nan = "((1.0e300 * 1.0e300) - (1.0e300 * 1.0e300))"
        return f"(({inside}) ? {name}[{row} * {columns} + {column}] : {nan})"

    def random(self, site: RandomSite, arguments: list[str]) -> str:
        """A number from GeNN's own generator."""
        if site.shared:
            raise NotInGenn("a random number that is drawn once for all neurons")
        match site.kind:
            case "rand":
                return "gennrand_uniform()"
            case "randn":
                return "gennrand_normal()"
            case "binomial":
                return f"gennrand_binomial((unsigned int){arguments[0]}, (double){arguments[1]})"
        raise NotInGenn(f"random numbers of the kind '{site.kind}'")


class SynapseNames(CodeNames):
    """Names in the code of synapses.

    Parameters
    ----------
    populations : dict
        The names of every group of neurons.
    sides : dict
        Those of the 'pre' and the 'post' side.
    frozen : set of str
        Sides ('pre', 'post') of which GeNN gives values as they were when the spike was emitted.
    """

    def __init__(
        self,
        scope: Scope,
        kernel: Kernel,
        clock: int,
        populations: dict[str, Scope],
        sides: dict[str, Scope],
        frozen: set[str],
    ) -> None:
        super().__init__(scope, kernel, clock, last=True)
        self._populations = populations
        self._sides = sides
        self._frozen = frozen

    def variable(self, access: Access) -> str:
        """The text that reads a variable of the synapse or of one of its neurons."""
        if access.index in (None, ELEMENT):
            return super().variable(access)
        side = self.scope.instance.side_of(self.kernel, access)
        instance = self.scope.instance
        if side in self._frozen and access.array in instance.mutated:
            raise NotInGenn(
                f"'{access.name}' is read with a delay: GeNN has the value from when the spike was"
                " emitted, Brian the one from when it arrives"
            )
        group = instance.group_of(access.array)
        population = self._populations.get(group) or self._sides[side]
        if population is self._sides[side] and group not in self._populations:
            # of the synapses, but with a value for each neuron: how many synapses it has
            size = getattr(population.population, "size", 0)
            if access.array in instance.mutated or len(instance.arrays[access.array]) != size:
                raise NotInGenn(f"'{access.name}', which has values for other neurons")
        name = population.variable(access.array)
        type_ = GENN_TYPE[instance.network.arrays[access.array].dtype]
        return self.scope.reference(side, type_, name)

    def random(self, site: RandomSite, arguments: list[str]) -> str:
        """GeNN has no random numbers in the code of synapses on all of its backends."""
        raise NotInGenn("random numbers in the code of synapses")
