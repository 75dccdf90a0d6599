/**
 * - `exists`: a file or folder that would be overwritten
 * - `damaged`: the backup is not what was written: files missing, added, cut or altered
 * - `unreadable`: a file of the installation or of the backup cannot be read
 * - `newer`: the backup was made by a newer version
 */
export type BackupErrorCode = 'exists' | 'damaged' | 'unreadable' | 'newer';

export class BackupError extends Error {
  readonly code: BackupErrorCode;
  constructor(code: BackupErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BackupError';
    this.code = code;
  }
}
