"""Makes what can be deployed: a zip a function, a plain CloudFormation template, a SAM template that names the zips, and
checksums, below target/package/<architecture>.

package.py check|write ARCHITECTURE FUNCTION...
"""

import base64
import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import template as sam

# e_machine of the ELF header.
MACHINES = {0x3E: "x86_64", 0xB7: "arm64"}
TARGETS = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}


def bootstrap(function):
    return sam.ROOT / "target/lambda" / function / "bootstrap"


def architecture(path):
    """The architecture that a binary is for, by its ELF header."""
    header = path.read_bytes()[:20]
    if header[:4] != b"\x7fELF":
        return "no ELF binary"
    order = "little" if header[5] == 1 else "big"
    machine = int.from_bytes(header[18:20], order)
    return MACHINES.get(machine, f"unknown machine {machine}")


def lacks_target(arch):
    """What to say if this machine cannot build for the architecture."""
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True).stdout.strip()
    target = TARGETS[arch]
    if Path(sysroot, "lib/rustlib", target, "lib").is_dir():
        return ""
    return f"\nThe Rust target {target} is not installed here: rustup target add {target}"


def check(arch, functions):
    """Refuses bootstraps of another architecture. Ones that are not there yet are no problem: they are built next."""
    for function in functions:
        path = bootstrap(function)
        if path.exists() and (found := architecture(path)) != arch:
            sys.exit(
                f"{path.relative_to(sam.ROOT)} is for {found}, not for {arch}. "
                f"Build it first: make build ARCH={arch}{lacks_target(arch)}"
            )


def zipped(function, folder):
    """The zip of a function: the same bootstrap gives the same bytes."""
    path = folder / f"{function}.zip"
    entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 3  # Unix, so that the mode counts
    entry.external_attr = 0o100755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, bootstrap(function).read_bytes(), compresslevel=9)
    return path


def for_architecture(template, arch):
    """The template for packages of one architecture: no other can be chosen."""
    template["Parameters"]["Architecture"] |= {"Default": arch, "AllowedValues": [arch]}
    return template


def write(arch, functions):
    check(arch, functions)
    folder = sam.ROOT / "target/package" / arch
    folder.mkdir(parents=True, exist_ok=True)
    files = [zipped(function, folder) for function in functions]

    plain = folder / "template.yaml"
    plain.write_text(sam.dump(for_architecture(sam.translate(sam.read()), arch)))
    serverless = for_architecture(sam.read(), arch)
    for resource in serverless["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = Path(resource["Properties"]["CodeUri"]).name + ".zip"
            resource["Metadata"].pop("BuildMethod")
    (folder / "sam.yaml").write_text(sam.dump(serverless))

    files += [plain, folder / "sam.yaml"]
    hashes = {file: hashlib.sha256(file.read_bytes()) for file in files}
    (folder / "SHA256SUMS").write_text("".join(f"{digest.hexdigest()}  {file.name}\n" for file, digest in hashes.items()))
    for file, digest in hashes.items():
        note = f"  CodeSha256 {base64.b64encode(digest.digest()).decode()}" if file.suffix == ".zip" else ""
        print(f"{file.relative_to(sam.ROOT)}  {file.stat().st_size / 1e6:.1f} MB{note}")
    print(f"Packaged for {arch}. Put the zips into a bucket and name it in CodeBucket, or run make deploy ARCH={arch}.")


def main():
    command, arch, *functions = sys.argv[1:]
    arch = arch or "arm64"
    if arch not in TARGETS:
        sys.exit(f"ARCH must be arm64 or x86_64, not '{arch}'")
    {"check": check, "write": write}[command](arch, functions)


if __name__ == "__main__":
    main()
