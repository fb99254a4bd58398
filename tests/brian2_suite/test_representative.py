"""A part of Brian's own tests that shows in a minute whether the rest has a chance."""

from importlib import import_module

import pytest
from brian2 import set_device

#: By file: tests without arguments that Brian 2.9, 2.10 and 2.11 all have.
TESTS = {
    "clocks": "clock_dt_change",
    "functions": """
        binomial clip integer_power multiple_stateless_function_calls timestep_function_during_run
        user_defined_function repeated_function_dependencies
        """,
    "monitor": """
        event_monitor rate_monitor_subgroups spike_monitor spike_monitor_subgroups
        spike_monitor_variables state_monitor state_monitor_record_single_timestep
        state_monitor_synapses synapses_state_monitor
        """,
    "network": """
        dt_changes_between_runs dt_restore multiple_runs_constant_change network_active_flag
        network_custom_slots network_different_clocks network_operations network_schedule_change
        network_stop progress_report restore_with_random_state small_runs
        spikes_after_deactivating store_restore store_restore_spikequeue
        store_restore_to_file_new_objects
        """,
    "neurongroup": """
        constant_subexpression_order custom_events custom_events_schedule integer_variables_and_mod
        linked_triple_linked linked_var_in_reset linked_variable_index_variable
        random_values_fixed_and_random random_values_fixed_seed run_regularly_scheduling
        run_regularly_shared sim_with_scalar_variable threshold_reset
        """,
    "poissongroup": "propagation time_dependent_rate",
    "poissoninput": "poissoninput poissoninput_refractory",
    "refractory": """
        conditional_write_behaviour refractoriness_basic refractoriness_repeated
        refractoriness_threshold_basic
        """,
    "spatialneuron": "basic_diffusion spatialneuron_threshold_location spatialneuron_timedarray",
    "spikegenerator": """
        spikegenerator_change_spikes spikegenerator_period_repeat spikegenerator_restore
        spikegenerator_rounding
        """,
    "stateupdaters": "multiple_noise_variables_basic non_autonomous_equations refractory",
    "subgroup": """
        subgroup_summed_variable synapse_creation_generator_complex_ranges synaptic_propagation
        """,
    "synapses": """
        changed_dt_spikes_in_queue delays_pathways_subgroups event_driven no_synapses
        permutation_analysis pre_before_post summed_variables_subgroups synapses_refractory
        synapses_to_synapses transmission_all_to_one_heterogeneous_delays
        transmission_custom_event_complex transmission_scalar_delay_different_clocks
        vectorisation_STDP_like
        """,
    "thresholder": "scalar_threshold",
    "timedarray": "timedarray_2d timedarray_semantics timedarray_no_upsampling",
}


@pytest.mark.brian_suite
@pytest.mark.parametrize(
    ("file", "name"), [(file, name) for file, names in TESTS.items() for name in names.split()]
)
def test_brians_own(file, name, device):
    function = getattr(import_module(f"brian2.tests.test_{file}"), f"test_{name}")
    set_device(device)
    function()
