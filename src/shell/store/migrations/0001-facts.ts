import type { Migration } from './migration.ts';

export const facts: Migration = {
  name: '0001-facts',
  async up({ db, types, createTable }) {
    await createTable('head')
      .addColumn('id', types.integer, (column) => column.primaryKey())
      .addColumn('epoch', types.integer, (column) => column.notNull())
      .addColumn('revision', types.integer, (column) => column.notNull())
      .addColumn('outbox_position', types.integer, (column) => column.notNull())
      .addColumn('pruned_revision', types.integer, (column) => column.notNull())
      .execute();
    await createTable('meta')
      .addColumn('name', types.text, (column) => column.primaryKey())
      .addColumn('value', types.text, (column) => column.notNull())
      .execute();
    await createTable('fact')
      .addColumn('kind', types.text, (column) => column.notNull())
      .addColumn('id', types.text, (column) => column.notNull())
      .addColumn('revision', types.integer, (column) => column.notNull())
      .addColumn('body', types.text, (column) => column.notNull())
      .addPrimaryKeyConstraint('fact_pk', ['kind', 'id'])
      .execute();
    await createTable('fact_version')
      .addColumn('kind', types.text, (column) => column.notNull())
      .addColumn('id', types.text, (column) => column.notNull())
      .addColumn('from_revision', types.integer, (column) => column.notNull())
      .addColumn('to_revision', types.integer)
      .addColumn('body', types.text, (column) => column.notNull())
      .addPrimaryKeyConstraint('fact_version_pk', ['kind', 'id', 'from_revision'])
      .execute();
    await db.schema.createIndex('fact_version_ended').on('fact_version').column('to_revision').execute();
    await createTable('change')
      .addColumn('revision', types.integer, (column) => column.notNull())
      .addColumn('kind', types.text, (column) => column.notNull())
      .addColumn('id', types.text, (column) => column.notNull())
      .addColumn('time', types.integer, (column) => column.notNull())
      .addPrimaryKeyConstraint('change_pk', ['revision', 'kind', 'id'])
      .execute();
    await db.schema.createIndex('change_time').on('change').column('time').execute();
    await createTable('outbox')
      .addColumn('position', types.integer, (column) => column.primaryKey())
      .addColumn('id', types.text, (column) => column.notNull().unique())
      .addColumn('writer', types.text, (column) => column.notNull())
      .addColumn('revision', types.integer, (column) => column.notNull())
      .addColumn('event', types.text, (column) => column.notNull())
      .execute();
    await createTable('data_key')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .addColumn('purpose', types.text, (column) => column.notNull())
      .addColumn('wrapped', types.text, (column) => column.notNull())
      .addColumn('created_at', types.integer, (column) => column.notNull())
      .execute();
    await createTable('secret')
      .addColumn('name', types.text, (column) => column.primaryKey())
      .addColumn('data_key_id', types.text, (column) => column.notNull().references('data_key.id'))
      .addColumn('sealed', types.blob, (column) => column.notNull())
      .addColumn('updated_at', types.integer, (column) => column.notNull())
      .execute();
  },
};
