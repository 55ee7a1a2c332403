// Container images without a build: `pack` makes an OCI image layout of one root file
// system, `push` brings a layout to a registry.
//
// buildah can do both, but unpacks and packs every file once more on each way; here a
// tar goes straight into its layer, and a push copies blobs.
package main

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/registry/remote"
)

// The one tag inside a layout; the name an image has in a registry is the registry's matter.
const layoutTag = "image"

const usage = `usage: image pack [--user UID:GID] [--env NAME=VALUE]… [--workdir DIR] LAYOUT COMMAND [ARGUMENT]… <rootfs.tar
       image push LAYOUT REFERENCE          (plain HTTP, as a registry on loopback speaks it)`

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) error {
	switch {
	case len(arguments) >= 1 && arguments[0] == "pack":
		return pack(ctx, arguments[1:])
	case len(arguments) == 3 && arguments[0] == "push":
		return push(ctx, arguments[1], arguments[2])
	}
	return errors.New(usage)
}

type list []string

func (l *list) String() string         { return strings.Join(*l, " ") }
func (l *list) Set(value string) error { *l = append(*l, value); return nil }

func pack(ctx context.Context, arguments []string) error {
	var environment list
	flags := flag.NewFlagSet("pack", flag.ContinueOnError)
	user := flags.String("user", "", "numeric, so that kubelet can tell that it is not root")
	workdir := flags.String("workdir", "/", "")
	flags.Var(&environment, "env", "")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() < 2 {
		return errors.New(usage)
	}
	layout, err := oci.New(flags.Arg(0))
	if err != nil {
		return err
	}
	layer, diffID, err := pushLayer(ctx, layout, flags.Arg(0), os.Stdin)
	if err != nil {
		return fmt.Errorf("layer: %w", err)
	}
	config, err := pushJSON(ctx, layout, ocispec.MediaTypeImageConfig, ocispec.Image{
		Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"},
		Config: ocispec.ImageConfig{
			User: *user, Env: environment, WorkingDir: *workdir, Cmd: flags.Args()[1:],
		},
		RootFS:  ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{diffID}},
		History: []ocispec.History{{CreatedBy: "fairway cluster install"}},
	})
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	manifest, err := pushJSON(ctx, layout, ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    config,
		Layers:    []ocispec.Descriptor{layer},
	})
	if err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	return layout.Tag(ctx, manifest, layoutTag)
}

// pushLayer compresses a tar into the layout; the digest of the tar itself is what the
// image's configuration names.
func pushLayer(ctx context.Context, layout *oci.Store, folder string, tar io.Reader) (ocispec.Descriptor, digest.Digest, error) {
	var none ocispec.Descriptor
	spool, err := os.CreateTemp(folder, "layer-*")
	if err != nil {
		return none, "", err
	}
	defer os.Remove(spool.Name())
	defer spool.Close()

	plain, packed := sha256.New(), sha256.New()
	// The quickest level: layers stay on this machine, and time matters more than 15 % of size.
	compressor, err := gzip.NewWriterLevel(io.MultiWriter(spool, packed), gzip.BestSpeed)
	if err != nil {
		return none, "", err
	}
	if _, err := io.Copy(io.MultiWriter(compressor, plain), tar); err != nil {
		return none, "", err
	}
	if err := compressor.Close(); err != nil {
		return none, "", err
	}
	size, err := spool.Seek(0, io.SeekCurrent)
	if err != nil {
		return none, "", err
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return none, "", err
	}
	descriptor := ocispec.Descriptor{
		MediaType: ocispec.MediaTypeImageLayerGzip,
		Digest:    digest.NewDigest(digest.SHA256, packed),
		Size:      size,
	}
	return descriptor, digest.NewDigest(digest.SHA256, plain), layout.Push(ctx, descriptor, spool)
}

func pushJSON(ctx context.Context, layout *oci.Store, mediaType string, value any) (ocispec.Descriptor, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	descriptor := content.NewDescriptorFromBytes(mediaType, encoded)
	return descriptor, layout.Push(ctx, descriptor, strings.NewReader(string(encoded)))
}

func push(ctx context.Context, folder, reference string) error {
	layout, err := oci.NewFromFS(ctx, os.DirFS(folder))
	if err != nil {
		return err
	}
	repository, err := repository(reference)
	if err != nil {
		return err
	}
	_, err = oras.Copy(ctx, layout, layoutTag, repository, repository.Reference.Reference, oras.DefaultCopyOptions)
	return err
}

func repository(reference string) (*remote.Repository, error) {
	repository, err := remote.NewRepository(reference)
	if err != nil {
		return nil, err
	}
	repository.PlainHTTP = true
	return repository, nil
}
