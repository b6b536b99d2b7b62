import AnthropicBedrock from '@anthropic-ai/bedrock-sdk';

const client = new AnthropicBedrock({
  // Autentica proporcionando las claves a continuación o usa los proveedores de credenciales de AWS predeterminados, como
  // usar ~/.aws/credentials o las variables de entorno "AWS_SECRET_ACCESS_KEY" y "AWS_ACCESS_KEY_ID".
  awsAccessKey: '<access key>',
  awsSecretKey: '<secret key>',

  // Las credenciales temporales se pueden usar con awsSessionToken.
  // Lee más en https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp.html.
  awsSessionToken: '<session_token>',

  // awsRegion cambia la región de AWS a la que se realiza la solicitud. Por defecto, leemos AWS_REGION,
  // y si no está presente, por defecto es us-east-1. Ten en cuenta que no leemos ~/.aws/config para la región.
  awsRegion: 'us-west-2',
});

async function main() {
  const message = await client.messages.create({
    model: 'global.anthropic.claude-sonnet-4-5-20250929-v1:0',
    max_tokens: 256,
    messages: [{"role": "user", "content": "Hello, world"}]
  });
  console.log(message);
}
main().catch(console.error);
