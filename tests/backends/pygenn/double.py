"""A double of ``pygenn`` that takes what GeNN 5.4 takes, remembers it, and simulates nothing.

Written from what the real interface does: names, arguments, types and shapes are checked as
strictly, and the identifiers in code strings have to exist.
"""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import numpy as np

TYPES = {
    "scalar": np.float64, "double": np.float64, "float": np.float32, "bool": np.bool_,
    "int": np.int32, "unsigned int": np.uint32,
    **{f"{u}int{n}_t": np.dtype(f"{u}int{n}").type for u in ("", "u") for n in (8, 16, 32, 64)},
}  # fmt: skip
FUNCTIONS = set(
    """
    cos sin tan acos asin atan atan2 cosh sinh tanh acosh asinh atanh exp expm1 exp2 pow
    scalbn log log1p log2 log10 ldexp ilogb sqrt cbrt hypot ceil floor fmod round rint trunc
    nearbyint nextafter remainder fabs fdim fmax fmin erf erfc tgamma lgamma copysign fma min
    max abs printf assert
    """.split()  # noqa: SIM905
)
RANDOM = {"gennrand_uniform", "gennrand_normal", "gennrand_exponential", "gennrand_binomial"}
KEYWORDS = {"if", "else", "for", "while", "do", "const", "true", "false", "unsigned", *TYPES}
NEURON_NAMES = {"t", "dt", "id", "num_neurons", "Isyn"}
SYNAPSE_NAMES = {"t", "dt", "id_pre", "id_post", "id_syn", "num_pre", "num_post"}


class Mistake(Exception):
    """What the real interface would raise, or its compiler refuse."""


class VarAccess:
    READ_ONLY = "VarAccess.READ_ONLY"
    READ_WRITE = "VarAccess.READ_WRITE"


class VarAccessMode:
    READ_ONLY = "VarAccessMode.READ_ONLY"
    READ_WRITE = "VarAccessMode.READ_WRITE"


def check_name(name, what):
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise Mistake(f"{what} name invalid: {name!r}")
    if name.startswith("_"):
        raise Mistake(f"GeNN's scanner does not take {name!r}, which begins with an underscore")


def check_type(type_):
    if type_ not in TYPES:
        raise Mistake(f"Error parsing numeric type {type_!r}")


def check_code(code, known, constant, what):
    """Check that code uses and writes only what there is."""
    if code is None:
        return
    if "$" in code:
        raise Mistake(f"{what}: GeNN 4 syntax")
    text = re.sub(r"//[^\n]*", "", code)
    strange = re.search(r"[^\w\s(){}\[\];,.?:+\-*/%<>=!&|^~]", text)
    if strange:
        raise Mistake(f"{what}: Unexpected character {strange[0]!r}")
    for pair in ("()", "{}", "[]"):
        if text.count(pair[0]) != text.count(pair[1]):
            raise Mistake(f"{what}: unbalanced {pair}")
    types = "|".join(re.escape(name) for name in TYPES)
    declared = set(re.findall(rf"(?:const )?(?:{types})\s+(\w+)\s*=", text))
    constant = constant | set(re.findall(rf"const (?:{types})\s+(\w+)\s*=", text))
    numbers = r"\b\d+\.?\d*(?:[eE][+-]?\d+)?[fFdD]?\b"
    for word in re.findall(r"[A-Za-z_]\w*", re.sub(numbers, " ", text)):
        if word not in known | declared | KEYWORDS | FUNCTIONS:
            raise Mistake(f"{what}: Undefined identifier {word!r}")
    for word in re.findall(r"(?<![\w.])([A-Za-z_]\w*)\s*(?:\[[^=]*?\]\s*)?=(?!=)", text):
        declaration = re.search(rf"(?:{types})\s+{word}\s*=", text)
        if word in constant and not declaration:
            raise Mistake(f"{what}: assignment of read-only variable {word!r}")


class Model:
    """A neuron or weight update model."""

    def __init__(self, kind, class_name, codes, params=(), vars=(), extra_global_params=(), **more):
        self.kind, self.class_name, self.codes = kind, class_name, codes
        self.params, self.vars = list(params or ()), list(vars or ())
        self.extra_global_params = list(extra_global_params or ())
        self.more = more
        names = []
        for name, type_, *access in [*self.params, *self.vars]:
            check_name(name, class_name)
            check_type(type_)
            if access and access[0] not in (VarAccess.READ_ONLY, VarAccess.READ_WRITE):
                raise Mistake(f"{access[0]} is no VarAccess")
            names.append(name)
        for name, type_ in self.extra_global_params:
            check_name(name, class_name)
            if not type_.endswith("*"):
                raise Mistake("GeNN no longer supports non-array extra global parameters")
            check_type(type_.removesuffix("*"))
            names.append(name)
        for key in ("pre_neuron_var_refs", "post_neuron_var_refs"):
            for name, type_, mode in more.get(key) or ():
                check_name(name, class_name)
                check_type(type_)
                if mode != VarAccessMode.READ_ONLY:
                    raise Mistake("references to neurons are read-only in the code of synapses")
                names.append(name)
        for name, type_, value in more.get("additional_input_vars") or ():
            check_name(name, class_name)
            check_type(type_)
            float(value)
            names.append(name)
        if len(set(names)) < len(names):
            raise Mistake(f"{class_name}: a name is used twice: {sorted(names)}")
        known = set(names)
        constant = {name for name, *_ in self.params} | {
            name for name, _, *access in self.vars if access == [VarAccess.READ_ONLY]
        }
        for key in ("pre_neuron_var_refs", "post_neuron_var_refs", "additional_input_vars"):
            constant |= {name for name, *_ in more.get(key) or ()}
        for key, code in codes.items():
            names_here = known | (NEURON_NAMES | RANDOM if kind == "neuron" else SYNAPSE_NAMES)
            if kind == "weight":
                names_here = names_here | {"addToPre"}
                if not key.startswith("post"):
                    names_here |= {"addToPost", "addToPostDelay"}
            check_code(code, names_here, constant, f"{class_name} {key}")


def create_neuron_model(
    class_name, params=None, vars=None, derived_params=None, sim_code=None,
    threshold_condition_code=None, reset_code=None, extra_global_params=None,
    additional_input_vars=None, auto_refractory_required=False,
):  # fmt: skip
    codes = {"sim": sim_code, "threshold": threshold_condition_code, "reset": reset_code}
    return Model("neuron", class_name, codes, params, vars, extra_global_params,
                 additional_input_vars=additional_input_vars)  # fmt: skip


def create_weight_update_model(
    class_name, params=None, vars=None, pre_vars=None, post_vars=None, pre_neuron_var_refs=None,
    post_neuron_var_refs=None, psm_var_refs=None, derived_params=None, pre_spike_syn_code=None,
    pre_event_syn_code=None, post_event_syn_code=None, post_spike_syn_code=None,
    synapse_dynamics_code=None, pre_event_threshold_condition_code=None,
    post_event_threshold_condition_code=None, extra_global_params=None,
):  # fmt: skip
    if (pre_event_syn_code is None) != (pre_event_threshold_condition_code is None):
        raise Mistake("both event threshold condition code and event code must be specified")
    codes = {
        "pre_spike": pre_spike_syn_code, "post_spike": post_spike_syn_code,
        "pre_event": pre_event_syn_code, "pre_condition": pre_event_threshold_condition_code,
        "dynamics": synapse_dynamics_code,
    }  # fmt: skip
    return Model("weight", class_name, codes, params, vars, extra_global_params,
                 pre_neuron_var_refs=pre_neuron_var_refs,
                 post_neuron_var_refs=post_neuron_var_refs)  # fmt: skip


def check_values(model, params, vars, size):
    for kind, given, wanted in (
        ("parameter", params, model.params),
        ("variable", vars, model.vars),
    ):
        if set(given) != {name for name, *_ in wanted}:
            raise Mistake(f"{model.class_name}: {kind} initialisers {sorted(given)}")
    for name, type_, *_ in model.params:
        if TYPES[type_] in (np.int32, np.int64) and float(params[name]) != int(params[name]):
            raise Mistake(f"{name} is not whole")
    for name, type_, *_ in model.vars:
        values = np.asarray(vars[name])
        if values.shape != (size,):
            raise Mistake(f"{model.class_name}: {name} has shape {values.shape}, not ({size},)")
        if values.dtype != TYPES[type_]:
            raise Mistake(f"{model.class_name}: {name} is {values.dtype}, not {type_}")


class Values:
    """A variable or an extra global parameter."""

    def __init__(self, type_, values=None):
        self.type = type_
        self.init_values = values  # the real one keeps what it was given
        self.view = None if values is None else np.array(values)
        self.pushed = self.pulled = 0

    def set_init_values(self, values):
        self.init_values = values
        self.view = np.array(values, dtype=TYPES[self.type])

    def push_to_device(self):
        self.pushed += 1

    def pull_from_device(self):
        self.pulled += 1

    @property
    def current_view(self):
        return self.view

    @property
    def values(self):
        return self.view.copy()

    @values.setter
    def values(self, values):
        self.view[:] = values


class Group:
    def __init__(self, genn, name, model, params, vars):
        check_name(name, "population")
        self.genn, self.name, self.model, self.params = genn, name, model, dict(params)
        types = {name: type_ for name, type_, *_ in model.vars}
        self.vars = {name: Values(types[name], values) for name, values in vars.items()}
        self.extra_global_params = {
            name: Values(type_.removesuffix("*")) for name, type_ in model.extra_global_params
        }
        self.dynamic = set()

    def _set_dynamic(self, name, dynamic):
        types = dict(self.model.params)
        if name not in types:
            raise Mistake(f"there is no parameter {name!r}")
        if types[name] in ("int64_t", "uint64_t"):
            raise Mistake("GeNN 5.4 truncates dynamic parameters of 64 bit integers")
        if dynamic:
            self.dynamic.add(name)

    def set_dynamic_param_value(self, name, value):
        if not self.genn.loaded or name not in self.dynamic:
            raise Mistake(f"{name!r} is no dynamic parameter, or the model is not loaded")
        self.params[name] = value


class NeuronGroup(Group):
    spike_recording_enabled = False

    def __init__(self, genn, name, size, model, params, vars):
        if not isinstance(size, int) or size < 1:
            raise Mistake(f"a population of {size!r} neurons")
        check_values(model, params, vars, size)
        super().__init__(genn, name, model, params, vars)
        self.num_neurons = size

    set_param_dynamic = Group._set_dynamic

    @property
    def spike_recording_data(self):
        if not self.spike_recording_enabled:
            raise IndexError("unordered_map::at")
        if self.genn.timestep < self.genn.slots:
            raise RuntimeError("Event recording data can only be accessed once buffer is full")
        return [(np.empty(0), np.empty(0, dtype=np.int32))]


class SynapseGroup(Group):
    axonal_delay_steps = back_prop_delay_steps = 0
    max_dendritic_delay_timesteps = 1
    post_target_var = pre_target_var = "Isyn"
    synapse_order = None

    set_wu_param_dynamic = Group._set_dynamic

    def set_sparse_connections(self, pre, post):
        for side, group in ((pre, self.source), (post, self.target)):
            if len(side) and (side.min() < 0 or side.max() >= group.num_neurons):
                raise Mistake("an index is out of range")
        if not len(pre):
            raise Mistake("a population without synapses cannot be loaded")
        self.synapse_order = np.lexsort((post, pre))
        check_values(self.model, self.params, {n: v.view for n, v in self.vars.items()}, len(pre))


class GeNNModel:
    made: ClassVar = []

    def __init__(self, precision="float", model_name="GeNNModel", backend=None,
                 time_precision=None, **preferences):  # fmt: skip
        check_name(model_name, "model")
        check_type(precision)
        check_type(time_precision)
        if backend not in genn_model.backend_modules:
            raise KeyError(backend)
        if set(preferences) - {"optimize_code", "debug_code"}:
            raise ValueError(f"Unknown preference {set(preferences)}")
        self.name, self.backend_name = model_name, backend
        self.populations, self.built, self.loaded, self.timestep, self.slots = (
            {},
            False,
            False,
            0,
            0,
        )
        self.steps = 0
        GeNNModel.made.append(self)

    def _add(self, group):
        if self.built or group.name in self.populations:
            raise Mistake(f"population {group.name!r} exists, or the model is built")
        self.populations[group.name] = group
        return group

    def add_neuron_population(self, name, size, model, params, vars):
        return self._add(NeuronGroup(self, name, size, model, params, vars))

    def add_synapse_population(self, name, matrix, source, target, weight, postsynaptic):
        if matrix != "SPARSE" or postsynaptic != "DeltaCurr":
            raise Mistake("the double knows sparse connections and DeltaCurr")
        model, params, vars, pre, post = weight
        group = SynapseGroup(self, name, model, params, vars)
        group.source, group.target = source, target
        for key, given in (("pre_neuron_var_refs", pre), ("post_neuron_var_refs", post)):
            wanted = {n: type_ for n, type_, _ in model.more[key] or ()}
            if set(wanted) != set(given):
                raise Mistake(f"{name}: references {sorted(given)}, not {sorted(wanted)}")
            for reference, (population, variable) in given.items():
                types = {n: type_ for n, type_, *_ in population.model.vars}
                if types.get(variable) != wanted[reference]:
                    raise Mistake(f"{name}: reference {reference!r} to {variable!r}")
                if population is not (source if key.startswith("pre") else target):
                    raise Mistake(f"{name}: reference {reference!r} to another population")
        return self._add(group)

    def build(self, path):
        for group in self.populations.values():
            if not isinstance(group, SynapseGroup):
                continue
            if group.synapse_order is None:
                raise Mistake("connections are not set")
            for target, population in (
                (group.post_target_var, group.target),
                (group.pre_target_var, group.source),
            ):
                inputs = population.model.more["additional_input_vars"] or ()
                if target != "Isyn" and target not in {name for name, *_ in inputs}:
                    raise Mistake(f"{group.name}: there is no input {target!r}")
            for delay in (group.axonal_delay_steps, group.back_prop_delay_steps):
                if not isinstance(delay, int) or delay < 0:
                    raise Mistake(f"a delay of {delay!r}")
        Path(path, f"{self.name}_CODE").mkdir(exist_ok=True)
        self.built = True

    def load(self, num_recording_timesteps=None):
        recording = any(getattr(p, "spike_recording_enabled", False)
                        for p in self.populations.values())  # fmt: skip
        if not self.built or (recording and num_recording_timesteps is None):
            raise Mistake("not built, or nothing said of how long to record")
        self.loaded, self.slots = True, num_recording_timesteps

    def step_time(self):
        self.steps += 1
        self.timestep += 1

    def pull_recording_buffers_from_device(self):
        pass

    def unload(self):
        self.loaded = False


def create_var_ref(population, variable):
    return population, variable


def init_weight_update(model, params=None, vars=None, pre_vars=None, post_vars=None,
                       pre_var_refs=None, post_var_refs=None):  # fmt: skip
    return model, params or {}, vars or {}, pre_var_refs or {}, post_var_refs or {}


def init_postsynaptic(name):
    return name


genn_model = ModuleType("pygenn.genn_model")
genn_model.backend_modules = {"single_threaded_cpu": None}


def module():
    """The double as a module; it forgets what was made before."""
    GeNNModel.made = []
    double = ModuleType("pygenn")
    double.__version__ = "5.4.0"
    here = sys.modules[__name__]
    for name in (
        "GeNNModel", "VarAccess", "VarAccessMode", "create_neuron_model", "create_var_ref",
        "create_weight_update_model", "genn_model", "init_postsynaptic", "init_weight_update",
    ):  # fmt: skip
        setattr(double, name, getattr(here, name))
    return double
