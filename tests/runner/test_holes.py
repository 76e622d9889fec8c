"""What AutoKitteh's call patching and recording get wrong, hole by hole, and the tests that show this runner right there.

The holes were found by running the original (its runner of April 2024 and of January 2026). Each row: the hole, the tests."""
import unittest

import test_async
import test_packages
import test_protocol
import test_record
import test_rewrite
import test_values

HOLES = {
    # The rewriting of calls.
    "positional arguments are not visited: f(g(x)), exceptions' arguments, marked functions in argument lists":
        "test_hole_1_nested_positional_arguments_are_recorded test_hole_1_keyword_arguments_are_recorded "
        "test_hole_1_marked_functions_in_argument_lists_are_recorded test_hole_1_exception_arguments_are_recorded",
    "asyncio.gather(a(1), a(2)) records nothing": "test_hole_1_arguments_of_gather_are_recorded",
    "g()() leaves the inner call": "test_hole_1_call_of_a_call_is_recorded",
    "a callee over several lines is skipped": "test_hole_2_callee_over_several_lines",
    "a non-ASCII character before a call shifts the names": "test_hole_3_non_ascii_before_the_call",
    "chains of calls crash the rewriting": "test_hole_6_chains",
    "super().__init__() of a library's class becomes a step": "test_hole_6_super_init_of_a_library_base_runs_in_place",
    "comprehensions, match, walrus, generators, lambdas, f-strings":
        "test_hole_6_comprehensions_match_walrus_generators test_hole_6_lambda_bodies test_hole_4_calls_inside_fstrings",
    "properties, operators, iteration are no calls: nobody sees them": "test_fact_4_properties_operators_and_iteration_are_no_calls",
    "callbacks that builtins call are not recorded":
        "test_hole_5_callbacks_of_builtins_are_recorded test_hole_5_callbacks_of_reduce_and_itertools_are_recorded",
    "line numbers and behaviour change": "test_positions_of_user_nodes_stay test_tricky_programs_behave_as_without_rewriting",
    # Modules.
    "a package's __init__ and lazily imported modules are not patched":
        "test_hole_package_init_and_lazy_imports_and_namespace_packages_are_patched",
    "module-level code of a lazy import": "test_module_level_code_of_a_lazy_import_is_not_recorded",
    "sibling modules of the program count as external": "test_hole_sibling_modules_are_internal",
    "a module-level call is sent before the module message": "test_module_comes_first_even_when_module_level_code_calls",
    # What becomes a step.
    "a function that shadows a builtin's name is never one": "test_hole_shadowed_builtins_are_told_apart_by_identity",
    "C-accelerated members of deterministic modules (hashlib, csv, struct, heapq, functools.reduce) are":
        "test_hole_c_accelerated_library_code_runs_directly",
    "methods of datetime objects are": "test_hole_datetime_methods_run_directly_and_now_is_recorded",
    "dict.fromkeys, int.from_bytes, bytes.fromhex are": "test_hole_class_methods_of_builtins_run_directly",
    "StringIO is, and its state is lost on replay": "test_hole_stringio_keeps_its_state",
    "logging and Path are": "test_hole_logging_and_paths_run_directly",
    "asyncio's locks, queues, tasks are": "test_locks_queues_events_tasks_run_directly",
    "asyncio.sleep runs in a thread": "test_asyncio_sleep_is_the_durable_timer",
    "partials and caches are": "test_hole_partials_and_caches_count_as_what_they_call",
    "time.sleep(secs=1) raises": "test_sleep_is_a_durable_timer_in_every_spelling",
    "open() is neither recorded nor told": "test_open_outside_an_activity_is_not_recorded",
    "generators as activities fail with 'bad yield'": "test_hole_generator_activity_is_refused_in_words",
    "an async handler never runs, and the session completes": "test_async_handler_runs_and_is_never_skipped test_async_handler_runs",
    # Values.
    "protocol 0 takes what it cannot bring back: sqlite3 connections, matches, hashes":
        "test_hole_sqlite3_connection_is_refused_in_words test_hole_re_match_is_refused test_hole_hash_object_is_refused",
    "protocol 0 refuses BytesIO and Element": "test_values_that_only_protocol_4_takes_are_accepted",
    "locks, generators, files, sockets, modules, views, context variables end the process without words":
        "test_locks_generators_files_sockets_modules_views_are_refused test_bound_methods_and_objects_name_what_they_hold "
        "test_path_inside_the_result_is_named",
    "os.environ.get, a method of an open file, a lambda as argument: likewise":
        "test_seed_dynamic_callable_os_environ_get test_seed_file_handle_method test_seed_lambda_argument",
    "a changed argument is unchanged on replay, silently": "test_hole_lost_mutation_is_reported test_lost_change_of_the_object_is_reported",
    # Exceptions.
    "an exception that the program catches breaks the protocol": "test_base_exception_crosses_and_is_caught_on_replay",
    "__init__ with more arguments than args": "test_hole_init_with_extra_arguments test_hole_keyword_only_init",
    "attributes that do not pickle": "test_hole_attributes_that_do_not_pickle_become_none",
    "a __reduce__ that lies": "test_hole_reduce_that_lies test_hole_oserror_with_its_own_init",
    "SystemExit and KeyboardInterrupt in an activity": "test_base_exception_in_an_activity_ends_the_session",
    "sys.exit in a handler ends the process": "test_exit_in_the_handler_is_an_error_in_words",
    "an unknown function is a log line": "test_unknown_function_is_a_load_error_in_done",
    "integers of many digits": "test_integers_of_many_digits_survive test_big_integers_stay_exact",
}


class Holes(unittest.TestCase):
    def test_each_hole_has_its_tests(self):
        known = set()
        for module in (test_async, test_packages, test_protocol, test_record, test_rewrite, test_values):
            for thing in vars(module).values():
                if isinstance(thing, type) and issubclass(thing, unittest.TestCase):
                    known |= {name for name in vars(thing) if name.startswith("test_")}
        named = [name for tests in HOLES.values() for name in tests.split()]
        self.assertEqual([n for n in named if n not in known], [])
        # Whoever closes another hole says so here.
        self.assertEqual(sorted(n for n in known if n.startswith("test_hole_") and n not in named), [])


if __name__ == "__main__":
    unittest.main()
