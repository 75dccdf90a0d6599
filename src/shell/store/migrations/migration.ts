import { type ColumnDataType, type CreateTableBuilder, type Kysely, type RawBuilder, sql } from 'kysely';

export type Dialect = 'sqlite' | 'postgres';

/** The three column types every table is made of, in the words of the database at hand. */
export interface ColumnTypes {
  /** Compared and sorted by bytes on both databases. */
  readonly text: ColumnDataType | RawBuilder<unknown>;
  readonly integer: ColumnDataType;
  readonly blob: ColumnDataType;
}

export interface MigrationSchema {
  // biome-ignore lint/suspicious/noExplicitAny: a migration speaks of tables as they were then, not as StoreTables says now
  readonly db: Kysely<any>;
  readonly types: ColumnTypes;
  /** Starts `create table`; on SQLite the table is STRICT, so that it refuses a value of another type as PostgreSQL does. */
  createTable<T extends string>(name: T): CreateTableBuilder<T, never>;
}

/** One step of the schema. Once released it is never edited: later steps build on it. */
export interface Migration {
  /** `0001-facts`: four digits give the order. */
  readonly name: string;
  up(schema: MigrationSchema): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: see MigrationSchema.db
export function migrationSchema(db: Kysely<any>, dialect: Dialect): MigrationSchema {
  const types: ColumnTypes =
    dialect === 'sqlite'
      ? { text: 'text', integer: 'integer', blob: 'blob' }
      : { text: sql`text collate "C"`, integer: 'bigint', blob: 'bytea' };
  return {
    db,
    types,
    createTable: (name) => {
      const table = db.schema.createTable(name);
      return dialect === 'sqlite' ? table.modifyEnd(sql`strict`) : table;
    },
  };
}
