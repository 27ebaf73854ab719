#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A short run of scripts/crash-test; the long one is for people. Argument: the build folder.
set -euo pipefail
exec "$(dirname "$0")/../../scripts/crash-test" 25 --writers 4 --load-ms 250 --build "$1"
