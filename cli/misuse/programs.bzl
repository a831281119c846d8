"""The misuse programs, each twice: as it stands, and as a twin without the fault."""

load("@rules_cc//cc:defs.bzl", "cc_binary")
load("//tools:hakmem.bzl", "NO_BUILTIN_MALLOC", "WARNINGS")

# The faults are meant: the compiler shall neither speak of them nor draw conclusions.
_COPTS = WARNINGS + NO_BUILTIN_MALLOC + [
    "-O0",
    "-Wno-free-nonheap-object",
    "-Wno-use-after-free",
]

_CXXOPTS = ["-Wno-mismatched-new-delete"]

def _programs_impl(ctx):
    links = []
    for program in ctx.files.programs:
        link = ctx.actions.declare_file(ctx.label.name + "/" + program.basename)
        ctx.actions.symlink(output = link, target_file = program)
        links.append(link)
    files = depset(links)
    return [DefaultInfo(files = files, runfiles = ctx.runfiles(transitive_files = files))]

# The programs have nothing of hakmem in them: built for the machine that builds, they are the same in every preset.
_programs = rule(
    implementation = _programs_impl,
    attrs = {"programs": attr.label_list(cfg = "exec")},
)

def misuse_programs(name, srcs, hdrs, visibility):
    """Declares programs/X and programs/X_twin for each source file programs/X.c or programs/X.cc.

    They are linked with the C library alone, and meet hakmem through LD_PRELOAD.

    Args:
      name: all of them, in a folder of that name
      srcs: the programs, one file each
      hdrs: what they include
      visibility: of all of them
    """
    programs = []
    for src in srcs:
        program = src[:src.rindex(".")]
        for target, macros in [(program, []), (program + "_twin", ["MISUSE_TWIN"])]:
            cc_binary(
                name = target,
                testonly = True,
                srcs = [src] + hdrs,
                copts = _COPTS + (_CXXOPTS if src.endswith(".cc") else []),
                local_defines = macros,
                # For hakctl misuse and its test alone.
                tags = ["manual"],
            )
            programs.append(target)
    _programs(
        name = name,
        testonly = True,
        programs = programs,
        tags = ["manual"],
        visibility = visibility,
    )
