"""A repository of cc_library targets for libraries that the machine has, as pkg-config describes them."""

_TARGET = """\
cc_library(
    name = "{name}",
    defines = {defines},
    linkopts = {linkopts},
    visibility = ["//visibility:public"],
)
"""

# Parts of the C library and the compiler: a program has one of each, so they are never linked statically.
_SHARED = ["-latomic", "-ldl", "-lm", "-lpthread", "-lrt"]

def _pkg_config(ctx, tool, args, package):
    result = ctx.execute([tool] + args + [package])
    if result.return_code != 0:
        fail("pkg-config does not find %s; ./bazelw installs what is missing.\n%s" % (package, result.stderr))
    return [word for word in result.stdout.replace("\n", " ").split(" ") if word]

def _link_options(ctx, tool, package):
    """The link options of a package, with each library that has a static archive named by its path."""
    libdir = _pkg_config(ctx, tool, ["--variable=libdir"], package)
    options = []
    for word in _pkg_config(ctx, tool, ["--libs", "--static"], package):
        archive = None
        if word.startswith("-l") and libdir:
            archive = ctx.path("%s/lib%s.a" % (libdir[0], word[2:]))
        own = word not in _SHARED
        options.append(str(archive) if own and archive and archive.exists else word)
    return options

def _pkg_config_repository_impl(ctx):
    tool = ctx.which("pkg-config")
    if not tool:
        fail("pkg-config is not installed; ./bazelw installs what is missing.")
    build_files = {}
    for label, package in ctx.attr.packages.items():
        folder, _, name = label.partition(":")
        flags = _pkg_config(ctx, tool, ["--cflags-only-other"], package)
        build_files.setdefault(folder, ["load(\"@rules_cc//cc:defs.bzl\", \"cc_library\")\n"]).append(_TARGET.format(
            name = name,
            defines = [flag[2:] for flag in flags if flag.startswith("-D")],
            linkopts = _link_options(ctx, tool, package),
        ))
    ctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % ctx.name)
    for folder, targets in build_files.items():
        ctx.file((folder + "/" if folder else "") + "BUILD", "\n".join(targets))

pkg_config_repository = repository_rule(
    implementation = _pkg_config_repository_impl,
    attrs = {
        "packages": attr.string_dict(mandatory = True, doc = "Label in the repository -> pkg-config module."),
    },
    environ = ["PKG_CONFIG_PATH"],
)
