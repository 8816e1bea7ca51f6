// Lays an OCI image from binaries that are already built, without a container engine:
//
//	go run . --version 0.1.0 --output image --sbom amd64.json --certificates ca-certificates.crt amd64=PATH arm64=PATH
//
// The result is an OCI image layout, one image for each architecture under one index, the same bytes for the same files.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/layout"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	flags := flag.NewFlagSet("image", flag.ExitOnError)
	output := flags.String("output", "", "the directory to write; it must not exist")
	version := flags.String("version", "", "the operator's version")
	certificates := flags.String("certificates", "/etc/ssl/certs/ca-certificates.crt", "the authorities to trust, PEM")
	license := flags.String("license", "", "the licence's text")
	sbom := flags.String("sbom", "", "the bill of materials, CycloneDX as JSON")
	created := flags.Int64("created", 0, "the time that the image says it was made, in seconds since 1970")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if *output == "" || *version == "" || flags.NArg() == 0 {
		return errors.New("write --output DIRECTORY --version VERSION and, for each architecture, ARCHITECTURE=BINARY")
	}
	if _, err := os.Stat(*output); err == nil {
		return fmt.Errorf("%s exists: remove it, or name another directory", *output)
	}
	shared := contents{
		{path: "/etc/ssl/certs/ca-certificates.crt", from: *certificates},
		{path: "/usr/share/passcode-operator/LICENSE", from: *license},
		{path: "/usr/share/passcode-operator/sbom.cdx.json", from: *sbom},
	}
	index := newIndex(*version)
	for _, argument := range flags.Args() {
		architecture, binary, found := strings.Cut(argument, "=")
		if !found {
			return fmt.Errorf("%q: write ARCHITECTURE=BINARY, such as amd64=target/release/passcode-operator", argument)
		}
		if err := index.add(architecture, binary, shared, time.Unix(*created, 0).UTC()); err != nil {
			return err
		}
	}
	_, err := layout.Write(*output, index.index)
	return err
}
