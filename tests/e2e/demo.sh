#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The demo keeps its promise. Argument: the build folder.
set -euo pipefail
exec "$(dirname "$0")/../../scripts/demo" --build "$1"
