"""External repositories for Bazel without modules: every one is made of files that are on the machine already.

A WORKSPACE that names hakmem needs two lines of this file, the load and the call. Repositories that it has
declared before the call are kept. With Bazel 7 and later MODULE.bazel takes the place of all this.
"""

load(":packages.bzl", "ABSL", "GOOGLETEST", "NLOHMANN_JSON")
load(":pkg_config.bzl", "pkg_config_repository")

def _files_repository_impl(ctx):
    ctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % ctx.name)
    for label, path in ctx.attr.files.items():
        ctx.symlink(label, path)
    for path, content in ctx.attr.contents.items():
        ctx.file(path, content)

_files_repository = repository_rule(
    implementation = _files_repository_impl,
    attrs = {
        "files": attr.label_keyed_string_dict(doc = "File to link to -> path in the repository."),
        "contents": attr.string_dict(doc = "Path in the repository -> content."),
    },
    doc = "A repository put together from files of this project.",
)

_NO_COVERAGE_TOOLS = """\
filegroup(name = "coverage_report_generator", visibility = ["//visibility:public"])

filegroup(name = "lcov_merger", visibility = ["//visibility:public"])
"""

def _has_modules():
    # Debian's build of Bazel 4 tells no number at all.
    major = (native.bazel_version or "0").split(".")[0]
    return major.isdigit() and int(major) >= 7

# buildifier: disable=unnamed-macro
def hakmem_repositories():
    """Declares what hakmem and Debian's Bazel 4.2.3 need, without a download."""
    if _has_modules():
        return
    declared = native.existing_rules()

    if "rules_cc" not in declared:
        _files_repository(
            name = "rules_cc",
            contents = {
                "cc/BUILD": "exports_files([\"defs.bzl\"])\n",
                "cc/common/BUILD": "exports_files([\"cc_info.bzl\"])\n",
            },
            files = {
                Label("//third_party:rules_cc/defs.bzl"): "cc/defs.bzl",
                Label("//third_party:rules_cc/cc_info.bzl"): "cc/common/cc_info.bzl",
            },
        )

    # Bazel 4 loads these two for its own packages, although no Java and no protocol buffer is built here.
    if "rules_java" not in declared:
        native.local_repository(name = "rules_java", path = "/usr/share/bazel/rules/java")
    if "rules_proto" not in declared:
        native.local_repository(name = "rules_proto", path = "/usr/share/bazel/rules/proto")

    # Every test has these tools as inputs, even when no coverage is collected.
    if "remote_coverage_tools" not in declared:
        _files_repository(name = "remote_coverage_tools", contents = {"BUILD": _NO_COVERAGE_TOOLS})

    for name, packages in [
        ("com_google_absl", ABSL),
        ("com_google_googletest", GOOGLETEST),
        ("nlohmann_json", NLOHMANN_JSON),
    ]:
        if name not in declared:
            pkg_config_repository(name = name, packages = packages)
