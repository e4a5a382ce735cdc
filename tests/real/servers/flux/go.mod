module pilothouse.test/flux

go 1.26.0

// Only for the definitions in their folders: nothing of these is compiled, so `go mod tidy` would drop them.
require (
	github.com/fluxcd/helm-controller v1.4.0
	github.com/fluxcd/kustomize-controller v1.7.3
	github.com/fluxcd/source-controller v1.7.0
)
