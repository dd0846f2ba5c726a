#!/usr/bin/env bash
# Leaves out of the image what no role of Daybook reads. Runs while the image is built: docker/slim.sh SITE_PACKAGES
set -euo pipefail
cd "${1:?folder of the packages}"

# Locale data of the languages that Daybook writes; `root` is what each of them begins with.
keep=(-name root.dat)
for folder in infrastructure/templates/mail/*/; do
    language=$(basename "$folder")
    keep+=(-o -name "$language.dat" -o -name "${language}_*.dat")
done
find babel/locale-data -name '*.dat' ! \( "${keep[@]}" \) -delete

# Tests of packages, sources of compiled modules, and types for developers.
find . -depth -type d \( -name tests -o -name test -o -path ./sqlalchemy/testing \) -exec rm -rf {} +
find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' -o -name '*.js.map' \) -delete

# Collation tables of other versions of Unicode than the one that `projections/query/text.py` names.
find pyuca -name 'allkeys-*.txt' ! -name 'allkeys-10.0.0.txt' -delete

# Highlighting of languages other than Python, in which tracebacks are shown.
find pygments/lexers -name '*.py*' ! -name '__init__*' ! -name '_mapping*' ! -name 'python*' -delete

# Debug symbols. Not those of libraries that were bundled into a wheel: their layout was changed, and strip breaks it.
find . -name '*.so' ! -path '*.libs/*' -exec strip --strip-unneeded {} +
