/**
 * Where clouds hand out credentials of the machine to whoever can reach them: no connection of ours ever goes there, whatever a
 * configuration says.
 */
export const metadataAddresses = {
  ipv4: [
    '169.254.169.254',
    '169.254.170.2',
    '169.254.170.23',
    '169.254.169.253',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
  ],
  ipv6: ['fd00:ec2::254', 'fd00:ec2::23', 'fd00:ec2::253', 'fd20:ce::254', 'fe80::a9fe:a9fe'],
} as const;
