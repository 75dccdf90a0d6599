/** Rows that information/identity keeps to itself. Bearer values appear as SHA-256 only. */
export interface IdentityTables {
  identity_record: { kind: string; id: string; owner: string | null; body: string; expires_at: number | null };
}
