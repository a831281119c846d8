"""A file built as by --config=opt, whatever the rest of the build is: goldens do not depend on the preset."""

load("//tools:flags.bzl", "BOOL_FLAGS", "STRING_FLAGS")

_SETTINGS = {name: str(Label("//:" + name)) for name in BOOL_FLAGS.keys() + STRING_FLAGS.keys()}

_OPTIONS = {
    "//command_line_option:compilation_mode": "opt",
    "//command_line_option:copt": ["-O3"],
    # The core is all there is of C below the library.
    "//command_line_option:conlyopt": ["-flto=auto"],
    "//command_line_option:linkopt": [],
    "//command_line_option:per_file_copt": [],
}

def _optimised_transition_impl(_settings, attr):
    changed = dict(_OPTIONS)
    for name, flag in BOOL_FLAGS.items() + STRING_FLAGS.items():
        changed[_SETTINGS[name]] = flag.default
    for name, value in attr.flags.items():
        changed[_SETTINGS[name]] = value == "True" if name in BOOL_FLAGS else value
    return changed

_optimised_transition = transition(
    implementation = _optimised_transition_impl,
    inputs = [],
    outputs = _OPTIONS.keys() + _SETTINGS.values(),
)

def _file_impl(ctx):
    file = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = file, target_file = ctx.files.actual[0])
    return [DefaultInfo(files = depset([file]), runfiles = ctx.runfiles([file]))]

optimised_file = rule(
    implementation = _file_impl,
    attrs = {
        "actual": attr.label(cfg = _optimised_transition, mandatory = True, doc = "The target to build."),
        "flags": attr.string_dict(doc = "Flags other than their defaults, as for hakmem_variant."),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
)
