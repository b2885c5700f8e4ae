"""HDF5 recordings: layout, live writer, finished file, reader, recovery. The only place that knows h5py."""
