# Signs a program by the certificate of WINDOWS_CERTIFICATE (a PFX file in base64, WINDOWS_CERTIFICATE_PASSWORD opens it):
# sign-windows.ps1 FILE
param([Parameter(Mandatory = $true)] [string] $File)

$ErrorActionPreference = 'Stop'
$bytes = [Convert]::FromBase64String($env:WINDOWS_CERTIFICATE)
$flags = [Security.Cryptography.X509Certificates.X509KeyStorageFlags]::EphemeralKeySet
$certificate = New-Object Security.Cryptography.X509Certificates.X509Certificate2($bytes, $env:WINDOWS_CERTIFICATE_PASSWORD, $flags)
$options = @{ FilePath = $File; Certificate = $certificate; HashAlgorithm = 'SHA256' }
# With a time stamp the signature holds when the certificate has ended.
if ($env:WINDOWS_TIMESTAMP_SERVER) { $options.TimestampServer = $env:WINDOWS_TIMESTAMP_SERVER }
$signature = Set-AuthenticodeSignature @options
if ($signature.Status -ne 'Valid') { throw "not signed: $($signature.StatusMessage)" }
