// Command flux-scan says what Flux makes of folders without a kustomization: the files that its generator takes,
// and the objects that it would apply. The generator is the one of the kustomize-controller, as a library.
//
// Usage: flux-scan FOLDER...  Prints one JSON object: by folder, `files` (paths in the folder) and `objects` as
// JSON values, or `error`. It writes nothing: the folders are copied first. `flux-scan --version` says which version
// of the generator it holds.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/fluxcd/pkg/kustomize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"
)

type found struct {
	Files   []string         `json:"files"`
	Objects []map[string]any `json:"objects"`
	Error   string           `json:"error,omitempty"`
}

const generator = "github.com/fluxcd/pkg/kustomize"

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println("flux-scan", version())
		return
	}
	answer := map[string]found{}
	for _, folder := range os.Args[1:] {
		seen, err := scan(folder)
		if err != nil {
			seen = found{Error: err.Error()}
		}
		answer[folder] = seen
	}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func scan(folder string) (found, error) {
	root, err := os.MkdirTemp("", "flux-scan-")
	if err != nil {
		return found{}, err
	}
	defer os.RemoveAll(root)
	// The generator refuses paths outside its root, and a temporary folder may be behind a link.
	if root, err = filepath.EvalSymlinks(root); err != nil {
		return found{}, err
	}
	if err := os.CopyFS(root, os.DirFS(folder)); err != nil {
		return found{}, err
	}
	empty := unstructured.Unstructured{Object: map[string]any{}}
	text, _, _, err := kustomize.NewGenerator(root, empty).GenerateManifest(root)
	if err != nil {
		return found{}, err
	}
	files, err := resources(text)
	if err != nil {
		return found{}, err
	}
	if _, err := kustomize.NewGenerator(root, empty).WriteFile(root); err != nil {
		return found{}, err
	}
	objects, err := build(root)
	return found{Files: files, Objects: objects}, err
}

func resources(text []byte) ([]string, error) {
	var generated types.Kustomization
	if err := yaml.Unmarshal(text, &generated); err != nil {
		return nil, err
	}
	return generated.Resources, nil
}

func build(root string) ([]map[string]any, error) {
	built, err := kustomize.SecureBuild(root, root, false)
	if err != nil {
		return nil, err
	}
	var objects []map[string]any
	for _, resource := range built.Resources() {
		object, err := resource.Map()
		if err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
	return objects, nil
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == generator {
				return module.Version
			}
		}
	}
	return "of an unknown generator"
}
