// The X.509 library wants this polyfill before it is loaded; it is heavy, so this file is only ever imported lazily.
import 'reflect-metadata';

export * from '@peculiar/x509';
