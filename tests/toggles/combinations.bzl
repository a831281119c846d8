"""Builds of hakmem by combinations of its flags, and the tests that each has to pass."""

load("//tools:flags.bzl", "BOOL_FLAGS", "STRING_FLAGS")
load("//tools:hakmem.bzl", "hak_cc_test")
load("//tools:variant.bzl", "hakmem_variant_file")

# The level of checks is not part of the matrix: it is that of the build.
_FLIPPED = {name: str(not flag.default) for name, flag in BOOL_FLAGS.items()}

# Each flag flipped alone, and all of them at every level of checks: for every day.
COVERING = dict(
    [(name, {name: value}) for name, value in _FLIPPED.items()] +
    [("all_" + level, dict(_FLIPPED, checks = level)) for level in STRING_FLAGS["checks"].values],
)

def _all_combinations():
    combinations = [{}]
    for name in BOOL_FLAGS:
        combinations = [dict(one, **{name: value}) for one in combinations for value in ["False", "True"]]
    return {_name_of(one): one for one in combinations}

def _name_of(flags):
    return "+".join([name for name, value in flags.items() if value == "True"]) or "none"

# Every combination of the flags that are on or off, by the names of those that are on.
MATRIX = _all_combinations()

# What runs on any build of the library; the first two are the quick ones.
PROGRAMS = [
    ":churn",
    "//tests/misuse:misuse_test",
    "//tests/whole:c_api_on_library",
    "//tests/whole:cxx_on_library",
    "//tests/whole:start_and_end_on_library",
]

def combination_test(name, combinations, programs, **kwargs):
    """A test that runs programs on every combination, and core_walk built with it.

    Args:
      name: the test
      combinations: name -> flags; their files are in NAME.builds/COMBINATION
      programs: some of PROGRAMS
      **kwargs: for the test
    """
    data = [] + programs
    for combination, flags in combinations.items():
        folder = name + ".builds/" + combination + "/"
        for file, actual in {"core_walk": ":core_walk", "libhakmem.so": "//frontend:libhakmem.so"}.items():
            hakmem_variant_file(
                name = folder + file,
                testonly = True,
                actual = actual,
                flags = flags,
                tags = ["manual"],
            )
            data.append(folder + file)
    hak_cc_test(
        name = name,
        size = "medium",
        data = data,
        deps = [":combination_test"],
        **kwargs
    )
