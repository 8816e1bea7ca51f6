package main

import (
	"debug/elf"
	"fmt"
)

// What an architecture is called in ELF.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// runsAlone refuses a binary that an image with nothing else in it could not run.
func runsAlone(architecture, path string) error {
	machine, known := machines[architecture]
	if !known {
		return fmt.Errorf("the architecture %q is not known: write amd64 or arm64", architecture)
	}
	binary, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("%s is no binary for Linux: %w", path, err)
	}
	defer binary.Close()
	if binary.Machine != machine {
		return fmt.Errorf("%s is for %s, not for %s", path, binary.Machine, architecture)
	}
	for _, segment := range binary.Progs {
		if segment.Type == elf.PT_INTERP {
			return fmt.Errorf("%s needs a loader and shared libraries, which the image does not have: build it for a musl target", path)
		}
	}
	return nil
}
