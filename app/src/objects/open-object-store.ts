import type { ObjectsAddress } from '../configuration/addresses';
import { FolderObjectStore } from './folder-object-store';
import type { ObjectStore } from './object-store';
import { createS3Client, S3ObjectStore } from './s3-object-store';

/** The store that OBJECTS_URL names. The bucket is not asked for anything yet. */
export function openObjectStore(address: ObjectsAddress): ObjectStore {
  if (address.kind === 'folder') return new FolderObjectStore(address.folder);
  return new S3ObjectStore(createS3Client(), address);
}
