import type { Migration } from './migration.ts';

/** Private rows of information/identity: passkeys, invitations, challenges, artifacts of the OpenID Provider. */
export const identity: Migration = {
  name: '0002-identity',
  async up({ db, types, createTable }) {
    await createTable('identity_record')
      .addColumn('kind', types.text, (column) => column.notNull())
      .addColumn('id', types.text, (column) => column.notNull())
      .addColumn('owner', types.text)
      .addColumn('body', types.text, (column) => column.notNull())
      .addColumn('expires_at', types.integer)
      .addPrimaryKeyConstraint('identity_record_pk', ['kind', 'id'])
      .execute();
    await db.schema.createIndex('identity_record_owner').on('identity_record').columns(['kind', 'owner']).execute();
    await db.schema.createIndex('identity_record_expiry').on('identity_record').column('expires_at').execute();
  },
};
