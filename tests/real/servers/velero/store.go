package main

import (
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// store is an object store that is a folder: a bucket is a folder in it, a key is a path below its bucket. It is set up
// by the config of a BackupStorageLocation:
//
//	folder  where it lies; made if it is missing
//	url     what a file server answers to for that folder (`velero files`); without it there are no downloads
//
// Keys cannot lead out of the folder: os.Root refuses those that would.
type store struct {
	root *os.Root
	base string
}

// Init is called before anything else, once for each use of the plugin.
func (s *store) Init(config map[string]string) error {
	folder := config["folder"]
	if folder == "" {
		return errors.New("the BackupStorageLocation's config names no folder")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	s.root, s.base = root, config["url"]
	return nil
}

// PutObject writes beside the object and renames, since others may list and read meanwhile.
func (s *store) PutObject(bucket, key string, body io.Reader) error {
	name := path.Join(bucket, key)
	if err := s.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	part := name + partSuffix
	file, err := s.root.Create(part)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, body)
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, s.root.Remove(part))
	}
	return s.root.Rename(part, name)
}

// ObjectExists says whether there is an object of that key; a folder is none.
func (s *store) ObjectExists(bucket, key string) (bool, error) {
	info, err := s.root.Stat(path.Join(bucket, key))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && info.Mode().IsRegular(), err
}

// GetObject opens an object; the caller closes it.
func (s *store) GetObject(bucket, key string) (io.ReadCloser, error) {
	return s.root.Open(path.Join(bucket, key))
}

// ListObjects gives the keys that begin with a prefix, which need not end at a slash.
func (s *store) ListObjects(bucket, prefix string) ([]string, error) {
	keys := []string{}
	err := fs.WalkDir(s.root.FS(), path.Clean(bucket), func(name string, entry fs.DirEntry, err error) error {
		// An object that was deleted while we walked, or a bucket that nothing was put into: not there, no fault.
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || entry.IsDir() || strings.HasSuffix(name, partSuffix) {
			return err
		}
		key := strings.TrimPrefix(name, path.Clean(bucket)+"/")
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
		return nil
	})
	return keys, err
}

// ListCommonPrefixes gives, of the keys that begin with a prefix, what stands up to and with the next delimiter.
func (s *store) ListCommonPrefixes(bucket, prefix, delimiter string) ([]string, error) {
	keys, err := s.ListObjects(bucket, prefix)
	prefixes := []string{}
	for _, key := range keys {
		if head, _, more := strings.Cut(key[len(prefix):], delimiter); more {
			prefixes = append(prefixes, prefix+head+delimiter)
		}
	}
	slices.Sort(prefixes)
	return slices.Compact(prefixes), err
}

// DeleteObject removes an object; one that is not there is no error, as in other object stores. Folders that are left
// empty go too, or a deleted backup would still be seen by who lists the folder.
func (s *store) DeleteObject(bucket, key string) error {
	name := path.Join(bucket, key)
	if err := s.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for name = path.Dir(name); name != path.Clean(bucket) && name != "."; name = path.Dir(name) {
		if s.root.Remove(name) != nil {
			// Not empty: another object lies there.
			break
		}
	}
	return nil
}

// CreateSignedURL gives an address of the file server. Nothing is signed and nothing expires: it is a test's folder.
func (s *store) CreateSignedURL(bucket, key string, _ time.Duration) (string, error) {
	if s.base == "" {
		return "", errors.New("the BackupStorageLocation's config names no url, so nothing can be downloaded")
	}
	return url.JoinPath(s.base, bucket, key)
}

// What is being written ends so; it is no object yet.
const partSuffix = ".part"
