package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Nobody: the chart runs the pods as the same number.
const user = "65532:65532"

// A file of the image and where it comes from; no source means no such file.
type file struct {
	path, from string
	mode       int64
}

type contents []file

type images struct {
	index   v1.ImageIndex
	version string
}

func newIndex(version string) *images {
	return &images{index: mutate.IndexMediaType(empty.Index, types.OCIImageIndex), version: version}
}

// add puts the image of one architecture into the index.
func (i *images) add(architecture, binary string, shared contents, created time.Time) error {
	if err := runsAlone(architecture, binary); err != nil {
		return err
	}
	own := contents{{path: "/passcode-operator", from: binary, mode: 0o755}}
	// The certificates change with other releases than the binary does, so they are a layer of their own.
	image := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	image = mutate.ConfigMediaType(image, types.OCIConfigJSON)
	for _, files := range []contents{shared, own} {
		layer, err := files.layer(created)
		if err != nil {
			return err
		}
		addition := mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: created}, CreatedBy: "deploy/image"}}
		if image, err = mutate.Append(image, addition); err != nil {
			return err
		}
	}
	platform := v1.Platform{OS: "linux", Architecture: architecture}
	image, err := i.configured(image, platform, created)
	if err != nil {
		return err
	}
	i.index = mutate.AppendManifests(i.index, mutate.IndexAddendum{
		Add:        image,
		Descriptor: v1.Descriptor{Platform: &platform},
	})
	return nil
}

func (i *images) configured(image v1.Image, platform v1.Platform, created time.Time) (v1.Image, error) {
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = platform.OS, platform.Architecture, v1.Time{Time: created}
	config.Config = v1.Config{
		User:         user,
		Entrypoint:   []string{"/passcode-operator"},
		Cmd:          []string{"run"},
		WorkingDir:   "/",
		ExposedPorts: map[string]struct{}{"8080/tcp": {}},
		Labels: map[string]string{
			"org.opencontainers.image.title":    "passcode-operator",
			"org.opencontainers.image.version":  i.version,
			"org.opencontainers.image.licenses": "Apache-2.0",
		},
	}
	return mutate.ConfigFile(image, config)
}

// layer packs the files, with all that could differ from one machine to another left out.
func (c contents) layer(created time.Time) (v1.Layer, error) {
	var packed bytes.Buffer
	archive := tar.NewWriter(&packed)
	made := map[string]bool{}
	for _, file := range c {
		if file.from == "" {
			continue
		}
		if err := directories(archive, path.Dir(file.path), made, created); err != nil {
			return nil, err
		}
		data, err := os.ReadFile(file.from)
		if err != nil {
			return nil, err
		}
		mode := file.mode
		if mode == 0 {
			mode = 0o644
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: file.path[1:], Mode: mode, Size: int64(len(data)), ModTime: created}
		if err := archive.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := archive.Write(data); err != nil {
			return nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	opener := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed.Bytes())), nil }
	layer, err := tarball.LayerFromOpener(opener, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, fmt.Errorf("layer: %w", err)
	}
	return layer, nil
}

// directories adds those that lead to a file and are not there yet.
func directories(archive *tar.Writer, directory string, made map[string]bool, created time.Time) error {
	if directory == "/" || made[directory] {
		return nil
	}
	if err := directories(archive, path.Dir(directory), made, created); err != nil {
		return err
	}
	made[directory] = true
	return archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: directory[1:] + "/", Mode: 0o755, ModTime: created})
}
