// The library's dependency injection wants this polyfill first; loaded only when a certificate request is made.
import 'reflect-metadata';

export { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from '@peculiar/x509';
